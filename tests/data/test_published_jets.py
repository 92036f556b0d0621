"""Published jet images: a file of their layout, its parts, and files that are damaged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from published_jet_files import write_published_jets

from levelone.data import published_jets
from levelone.data.opening import open_image_events
from levelone.errors import LeveloneError


def test_every_jet_is_in_one_split_and_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(published_jets, "SLAB", 16)
    told = write_published_jets(tmp_path / "a.h5")
    with open_image_events(tmp_path / "a.h5") as file:
        assert file.splits == {"train": 35, "validation": 5, "test": 10}
        seen = []
        for split in file.splits:
            batches = list(file.batches(split, 6))
            assert max(len(batch.events) for batch in batches) <= 6
            for batch in batches:
                seen += batch.events.tolist()
                np.testing.assert_array_equal(
                    batch.images["jet"][:, 0], told["image"][batch.events].astype(np.float32)
                )
                for name, dataset in (
                    ("label", "signal"),
                    ("mass", "jet_mass"),
                    ("tau2", "tau_2"),
                    ("dr", "jet_delta_R"),
                ):
                    column = batch.truth[name]
                    assert np.array_equal(column, told[dataset][batch.events].astype(column.dtype))
        assert sorted(seen) == list(range(50))
        one, again = (
            [row for batch in file.batches("train", 6, seed=(1, 2)) for row in batch.events.tolist()]
            for _ in range(2)
        )
        assert one == again
        assert sorted(one) == file.select("train").tolist() != one
        rest = file.batches("train", 6, seed=(1, 2), skip=8)
        assert [row for batch in rest for row in batch.events.tolist()] == one[8:]


def test_a_part_is_taken_from_all_over_the_file(tmp_path: Path) -> None:
    write_published_jets(tmp_path / "a.h5", 200)
    with open_image_events(tmp_path / "a.h5") as file:
        part, all_of_them = file.select("train", 10), file.select("train")
        assert len(part) == 10
        assert set(part.tolist()) <= set(all_of_them.tolist())
        assert part[-1] > 150
        assert np.array_equal(file.select("train", 10_000), all_of_them)


def test_what_interpolation_made_negative_is_empty(tmp_path: Path) -> None:
    write_published_jets(tmp_path / "a.h5", 10, image=np.full((10, 25, 25), -0.25))
    with open_image_events(tmp_path / "a.h5") as file:
        assert not next(file.batches("train", 4)).images["jet"].any()


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"image": np.zeros((50, 24, 25))}, r"'image' has shape \(50, 24, 25\), expected \(n, 25, 25\)"),
        ({"jet_mass": np.zeros(49)}, r"'jet_mass' has shape \(49,\), expected \(50\)"),
        ({"jet_pt": np.full(50, np.nan)}, r"'jet_pt' holds nan at 0"),
        ({"signal": np.full(50, 2.0)}, r"'signal' holds 2.0 at 0; its values must lie in 0 to 1"),
        ({"signal": np.full(50, 0.5)}, r"'signal' holds other values than 0 and 1"),
        ({"tau_1": np.array([b"x"] * 50)}, r"dataset 'tau_1' is \|S1; expected numbers"),
        ({"image": np.full((50, 25, 25), np.inf)}, r"'image' holds inf"),
    ],
)
def test_damaged_files_are_refused(other: dict[str, Any], message: str, tmp_path: Path) -> None:
    write_published_jets(tmp_path / "bad.h5", **other)
    with pytest.raises(LeveloneError, match=rf"bad\.h5: [\s\S]*{message}"):  # noqa: SIM117
        with open_image_events(tmp_path / "bad.h5") as file:
            list(file.batches("train", 8))


def test_a_file_without_a_dataset_is_of_no_known_format(tmp_path: Path) -> None:
    write_published_jets(tmp_path / "bad.h5", jet_mass=None)
    with pytest.raises(LeveloneError, match=r"bad\.h5"):
        open_image_events(tmp_path / "bad.h5")
    write_published_jets(tmp_path / "few.h5", 2)
    with pytest.raises(LeveloneError, match=r"few\.h5: 2 jets; at least 3 are needed"):
        open_image_events(tmp_path / "few.h5")
