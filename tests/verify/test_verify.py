import json
import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from levelone.errors import LeveloneError
from levelone.files import sha256
from levelone.graph import Graph, GraphBuilder, IntRange, execute
from levelone.graph.ops import Conv, Dense, Relu, Reshape
from levelone.hls import HlsConfig, convert, read_manifest
from levelone.pipeline.checks import VectorSet, compare
from levelone.verify import (
    Check,
    Mismatch,
    Outcome,
    Vectors,
    check_project,
    compare_codes,
    judge,
    random_vectors,
    read_vectors,
    write_vectors,
)
from levelone.verify.verdict import on_grid


def small(seed: int = 1) -> Graph:
    rng = np.random.default_rng(seed)
    b = GraphBuilder("small")
    x = b.input("x_q", (4, 4, 2), Fraction(1, 4), IntRange(0, 15))
    f = b.input("f_q", (3,), Fraction(1, 4), IntRange(-8, 7))
    weights = rng.integers(-4, 4, (2, 2, 2, 3))
    b.node("c", Conv(weights, rng.integers(-9, 9, 3), (Fraction(1, 8),), (2, 2), ((0, 0), (0, 0)), (1, 1)), x)
    b.node("r", Relu(), "c")
    b.node("flat", Reshape((12,)), "r")
    b.node("d", Dense(rng.integers(-4, 4, (12, 2)), rng.integers(-9, 9, 2), (Fraction(1, 8),)), "flat")
    b.node("e", Dense(rng.integers(-4, 4, (3, 2)), rng.integers(-9, 9, 2), (Fraction(1, 8),)), f)
    return b.build("d", "e")


@pytest.fixture(scope="module")
def graph() -> Graph:
    return small()


def golden(graph: Graph, events: int = 6) -> Vectors:
    codes = random_vectors(graph, events, seed=4)
    layers = {name: found for name, found in execute(graph, codes).items() if name not in codes}
    return Vectors(codes, layers, "0" * 64, {"seed": 4, "tool": "test"})


# --- stimuli


def test_vectors_are_reproducible_and_within_the_ports(graph: Graph) -> None:
    first, second, other = (random_vectors(graph, 300, seed) for seed in (1, 1, 2))
    for port in graph.inputs:
        name, bounds = port.value.name, port.value.range
        assert first[name].shape == (300, *port.value.shape) and first[name].dtype == np.int64
        assert (first[name] == second[name]).all() and (first[name] != other[name]).any()
        assert first[name].min() == bounds.lo and first[name].max() == bounds.hi


def test_vectors_hold_the_corners(graph: Graph) -> None:
    codes = random_vectors(graph, 100, seed=1)["x_q"]
    events = {event.tobytes() for event in codes}
    for level in (0, 15):
        assert np.full((4, 4, 2), level, dtype=np.int64).tobytes() in events
    alone = np.zeros((4, 4, 2), dtype=np.int64)
    alone[..., 1] = 15
    assert alone.tobytes() in events


def test_vectors_reach_both_ends_of_every_sum(graph: Graph) -> None:
    """Exactly attained for the sums that read a port, though uniform noise never gets there."""
    found = execute(graph, random_vectors(graph, 400, seed=1))
    for name in ("c", "e"):
        value = graph.values[name]
        assert (found[name].min(), found[name].max()) == (value.range.lo, value.range.hi)
    rng = np.random.default_rng(0)
    noise = {
        p.value.name: rng.integers(p.value.range.lo, p.value.range.hi + 1, (5000, *p.value.shape))
        for p in graph.inputs
    }
    uniform = execute(graph, noise)
    assert uniform["c"].min() > graph.values["c"].range.lo
    assert found["d"].min() <= uniform["d"].min() and found["d"].max() >= uniform["d"].max()


@pytest.mark.parametrize("count", [1, 2, 17])
def test_few_vectors(graph: Graph, count: int) -> None:
    assert {len(codes) for codes in random_vectors(graph, count, 1).values()} == {count}


@pytest.mark.parametrize("count", [8, 20, 50, 101])
def test_few_vectors_of_many_channels_are_not_corners(count: int) -> None:
    b = GraphBuilder("wide")
    x = b.input("x", (64,), Fraction(1), IntRange(-8, 7))
    wide = b.build(b.node("y", Dense(np.ones((64, 2), int), np.zeros(2, int), (Fraction(1),)), x))
    codes = random_vectors(wide, count, 1)["x"]
    corners = [event for event in codes if set(np.unique(event)) <= {-8, 0, 7}]
    assert (
        codes.shape == (count, 64)
        and len(corners) <= 3 * count // 4
        and any(len(np.unique(event)) > 12 for event in codes)
    )


def test_no_vectors(graph: Graph) -> None:
    with pytest.raises(LeveloneError, match="0 vectors asked for"):
        random_vectors(graph, 0, 1)


# --- golden vectors on disk


def test_vectors_survive_the_disk(graph: Graph, tmp_path: Path) -> None:
    path = tmp_path / "vectors.h5"
    vectors = golden(graph)
    write_vectors(path, vectors)
    again = read_vectors(path, graph)
    assert len(again) == 6 and again.model_sha256 == "0" * 64 and again.provenance == vectors.provenance
    for mine, theirs in ((vectors.inputs, again.inputs), (vectors.layers, again.layers)):
        assert set(mine) == set(theirs)
        for name in mine:
            assert theirs[name].dtype == np.int64 and (mine[name] == theirs[name]).all()
    write_vectors(tmp_path / "again.h5", again)
    assert sha256(path) == sha256(tmp_path / "again.h5")


def damage(path: Path, change: Any) -> None:
    with h5py.File(path, "r+") as file:
        change(file)


def drop(name: str) -> Any:
    return lambda file: file.__delitem__(name)


def put(name: str, data: Any) -> Any:
    def change(file: Any) -> None:
        if name in file:
            del file[name]
        file[name] = data

    return change


def attribute(name: str, value: Any) -> Any:
    return lambda file: file.attrs.__setitem__(name, value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (attribute("schema", "other"), "schema is 'other', expected 'levelone-vectors'"),
        (attribute("version", 7), "version 7, this levelone reads version 1"),
        (attribute("provenance", "{"), "cannot be read as HDF5 vectors: attribute 'provenance'"),
        (attribute("provenance", "[]"), "attribute 'provenance': no JSON object"),
        (attribute("schema", np.arange(3)), "schema is array.*, expected 'levelone-vectors'"),
        (attribute("version", np.array([1, 1])), "version .1 1., this levelone reads version 1"),
        (attribute("model_sha256", 5), "attribute 'model_sha256' is missing, or no text"),
        (lambda f: f.attrs.__delitem__("model_sha256"), "model_sha256.* is missing"),
        (drop("layers"), "group /layers is missing"),
        (drop("inputs/f_q"), r"inputs \['x_q'\], the model has \['f_q', 'x_q'\]"),
        (put("inputs/f_q", np.zeros((6, 3))), "/inputs/f_q is float64, expected integer codes"),
        (put("inputs/f_q", np.zeros((6, 3), np.uint64)), "/inputs/f_q is uint64, expected integer codes"),
        (put("inputs/f_q", np.zeros(6, int)), r"/inputs/f_q has shape \(6,\), expected codes of events"),
        (put("inputs/f_q", h5py.Empty("i4")), "/inputs/f_q has shape None, expected codes of events"),
        (lambda f: f.create_group("layers/more"), "/layers/more is a group, expected integer codes"),
        (put("inputs/f_q", np.zeros((6, 4), int)), r"/inputs/f_q has shape \[4\], the model \[3\]"),
        (put("inputs/f_q", np.full((6, 3), 8)), "has codes from 8 to 8, the port allows -8 to 7"),
        (put("layers/d", np.zeros((5, 2), int)), "numbers of events must be equal and not zero"),
        (put("layers/zz", np.zeros((6, 2), int)), "/layers/zz: the model has no such layer"),
    ],
)
def test_damaged_vectors(change: Any, message: str, graph: Graph, tmp_path: Path) -> None:
    path = tmp_path / "vectors.h5"
    write_vectors(path, golden(graph))
    damage(path, change)
    with pytest.raises(LeveloneError, match=message):
        read_vectors(path, graph)


def test_vectors_that_are_no_hdf5(tmp_path: Path) -> None:
    with pytest.raises(LeveloneError, match="no such file"):
        read_vectors(tmp_path / "none.h5")
    (tmp_path / "text.h5").write_text("hello")
    with pytest.raises(LeveloneError, match="is not an HDF5 file"):
        read_vectors(tmp_path / "text.h5")


def test_vectors_that_disagree_are_not_written(graph: Graph, tmp_path: Path) -> None:
    vectors = golden(graph)
    with pytest.raises(LeveloneError, match="must be equal"):
        write_vectors(tmp_path / "v.h5", replace(vectors, layers={"d": vectors.layers["d"][:2]}))
    with pytest.raises(LeveloneError, match="expected integer codes"):
        write_vectors(tmp_path / "v.h5", replace(vectors, layers={"d": vectors.layers["d"] / 2}))
    assert not list(tmp_path.iterdir())


# --- comparing


def test_numbers_between_two_codes_never_count_as_equal() -> None:
    found = np.array([[3.0, 3.5, -2.5, 2.0]])
    expected = np.array([[3, 3, -3, 3]])
    assert compare_codes("x", expected, on_grid(found, expected)).mismatches == 3


def test_comparison_counts_and_locates() -> None:
    expected = np.zeros((3, 2, 2), dtype=np.int64)
    found = expected.copy()
    found[1, 0, 1] = -4
    found[2, 1, 0] = 1
    made = compare_codes("x", expected, found)
    assert (made.compared, made.mismatches, made.max_lsb) == (12, 2, 4)
    assert made.first == Mismatch("x", 1, (0,), 1, 0, -4)
    with pytest.raises(ValueError, match="differ"):
        compare_codes("x", expected, found[:2])


def test_nothing_compared_is_never_exact() -> None:
    assert judge([], 10).outcome is Outcome.NOT_COMPARABLE
    empty = compare_codes("x", np.zeros((0, 2), int), np.zeros((0, 2), int))
    assert judge([empty], 0).outcome is Outcome.NOT_COMPARABLE


# --- the check


@pytest.mark.slow
def test_the_check_end_to_end(graph: Graph, tmp_path: Path) -> None:
    project = convert(graph, tmp_path / "p", HlsConfig()).project
    vectors = golden(graph, 50)
    check = check_project(project, vectors.inputs, vectors.layers, graph=graph)
    document = json.loads(json.dumps(check.to_dict()))
    assert document["verdict"] == "exact" and document["vectors"] == 50 and document["first_mismatch"] is None
    assert [layer["name"] for layer in document["layers"]] == ["c", "r", "flat", "d", "e"]
    assert all(set(layer) == {"name", "compared", "mismatches", "max_lsb"} for layer in document["layers"])
    assert document["build_seconds"] > 0 and document["seconds_per_event"] > 0
    assert document["module"]["verdict"] == "exact" and document["edited_files"] == []

    # a trained module that differs is told apart from a simulation that differs
    layers = {name: codes.copy() for name, codes in vectors.layers.items()}
    layers["d"][41, 1] += 3
    wrong = check_project(project, vectors.inputs, layers, graph=graph)
    assert wrong.outcome is Outcome.MISMATCH and wrong.outcome.exit_code == 1
    assert wrong.verdict.outcome is Outcome.EXACT
    assert wrong.module is not None and wrong.module.first_mismatch is not None
    assert (wrong.module.first_mismatch.layer, wrong.module.first_mismatch.event) == ("d", 41)
    assert wrong.to_dict()["verdict"] == "mismatch"

    strange = check_project(project, vectors.inputs, vectors.layers | {"zz": layers["d"]}, graph=graph)
    assert strange.outcome is Outcome.NOT_COMPARABLE
    assert "layers that the graph does not have: zz" in strange.to_dict()["reason"]
    none = check_project(project, vectors.inputs, {}, graph=graph)
    assert none.outcome is Outcome.NOT_COMPARABLE


def test_a_project_without_or_with_another_model_is_not_comparable(graph: Graph, tmp_path: Path) -> None:
    codes = random_vectors(graph, 3, 1)
    project = convert(graph, tmp_path / "without").project
    check = check_project(project, codes)
    assert check.outcome is Outcome.NOT_COMPARABLE and check.outcome.exit_code == 2
    assert "holds no levelone/model.onnx" in check.verdict.reason
    model = tmp_path / "model.onnx"
    model.write_bytes(b"a model")
    project = convert(graph, tmp_path / "with", model=model).project
    (project / "levelone/model.onnx").write_bytes(b"another model")
    check = check_project(project, codes)
    assert check.outcome is Outcome.NOT_COMPARABLE
    assert "is not the model of this project: its SHA-256 differs" in check.verdict.reason
    assert isinstance(check, Check) and check.project.edited == ("levelone/model.onnx",)


@pytest.mark.slow
def test_proofs_are_about_the_files_that_convert_wrote(graph: Graph, tmp_path: Path) -> None:
    """A register narrowed by hand is not proven any more, whatever the comparison sees of it."""
    project = convert(graph, tmp_path / "p").project
    sets = [VectorSet("some", random_vectors(graph, 20, 1), None)]
    untouched = compare([project], graph, sets, [])
    assert untouched["verdict"] == "exact" and untouched["proofs_void"] == []
    assert untouched["proofs"] == read_manifest(project).proofs != []
    (project / "myproject_test.cpp").write_text("// no part of the firmware\n")
    assert compare([project], graph, sets, [])["proofs"] == untouched["proofs"]
    defines = project / "firmware/defines.h"
    text = defines.read_text()
    narrow = re.sub(r"ap_fixed<\d+,\d+> d_accum_t", "ap_fixed<4,4> d_accum_t", text)
    assert narrow != text
    defines.write_text(narrow)
    notes: list[str] = []
    edited = compare([project], graph, sets, notes)
    assert edited["verdict"] == "mismatch" and edited["proofs"] == []
    assert edited["proofs_void"] == ["firmware/defines.h"]
    assert notes == ["edited since it was generated: firmware/defines.h, myproject_test.cpp"]
