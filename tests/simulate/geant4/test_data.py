"""Which data Geant4 reads, and what is refused without them."""

from __future__ import annotations

from pathlib import Path

import pytest

from levelone.errors import LeveloneError
from levelone.simulate.geant4 import data, tables
from levelone.simulate.geant4.data import DATA_SETS, LEFT_OUT, Data, find_data, need_data, need_geant4


def test_every_data_set_has_its_variable(tmp_path: Path) -> None:
    assert find_data({}).missing == tuple(DATA_SETS)
    found = find_data({"G4LEDATA": str(tmp_path), "G4SAIDXSDATA": str(tmp_path / "not there")})
    assert found.found == {"G4LEDATA": tmp_path}
    assert not found.full
    assert found.left_out == LEFT_OUT


@pytest.mark.parametrize("variable", ["GEANT4_DATA_DIR", "HOME"])
def test_folders_of_all_data_sets_are_searched(tmp_path: Path, variable: str) -> None:
    inside = tmp_path / ".geant4_pybind" if variable == "HOME" else tmp_path
    for name in DATA_SETS.values():
        (inside / f"{name}4.2").mkdir(parents=True)
    found = find_data({variable: str(tmp_path)})
    assert found.full
    assert found.left_out == ()
    told = found.environment()
    assert told == {
        "LEVELONE_GEANT4_DATA": "full",
        "GEANT4_DATA_DIR": str(inside),
        **{key: str(inside / f"{name}4.2") for key, name in DATA_SETS.items()},
    }
    assert found.facts()["data"]["G4LEDATA"] == "G4EMLOW4.2"


def test_the_folder_that_is_named_goes_before_the_one_at_home(tmp_path: Path) -> None:
    home, named = tmp_path / "home", tmp_path / "named"
    for name in DATA_SETS.values():
        (home / ".geant4_pybind" / f"{name}9.9").mkdir(parents=True)
    (named / "G4EMLOW4.1").mkdir(parents=True)
    (named / "G4EMLOW4.2").mkdir()
    found = find_data({"GEANT4_DATA_DIR": str(named), "HOME": str(home)})
    assert found.full  # what is not in the named folder is looked for at home
    assert found.found["G4LEDATA"] == named / "G4EMLOW4.2"
    assert found.found["G4SAIDXSDATA"] == home / ".geant4_pybind" / "G4SAIDDATA9.9"
    own = find_data({"GEANT4_DATA_DIR": str(named), "HOME": str(home), "G4LEDATA": str(tmp_path)})
    assert own.found["G4LEDATA"] == tmp_path


def test_what_needs_the_data_sets_is_refused_by_name() -> None:
    with pytest.raises(LeveloneError) as caught:
        need_data(Data({}), 'generate.particles = ["pion"]')
    assert 'generate.particles = ["pion"] needs Geant4\'s data sets: G4LEDATA' in caught.value.message
    assert "levelone doctor" in str(caught.value.hint)
    need_data(Data({name: Path() for name in DATA_SETS}), "nothing")


def test_a_missing_extra_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "find_spec", lambda name: None)
    with pytest.raises(LeveloneError, match="geant4-pybind, which is not installed") as caught:
        need_geant4()
    assert caught.value.hint == "pip install 'levelone[geant4]'"
    monkeypatch.setattr(tables, "find_spec", lambda name: None)
    with pytest.raises(LeveloneError, match="xraylib, which is not installed") as caught:
        Data({}).environment()
    assert caught.value.hint == "pip install 'levelone[geant4]'"
