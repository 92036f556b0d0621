"""Accumulators of more bits than a double holds: exact in csim, faults of single bits found, limits told."""

from __future__ import annotations

import shutil
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from levelone.errors import UnsupportedError
from levelone.graph import Graph, GraphBuilder, IntRange, Rounding
from levelone.graph.ops import Affine, Conv, Dense, MaxPool, Relu, Requantise, Staircase
from levelone.hls import HlsConfig, Manifest, convert
from levelone.hls.manifest import read_manifest
from levelone.hls.testbench import FEATURES, PREDICTIONS
from levelone.hls.words import joined, two_words
from levelone.verify import Check, Outcome, check_project, random_vectors
from levelone.verify.hls.bench import bench_findings

ONE = (Fraction(1),)
S16, U12 = IntRange(-(2**15), 2**15 - 1), IntRange(0, 2**12 - 1)
WIDTHS = (54, 55, 60, 64)


def summed(b: GraphBuilder, source: str, bits: int) -> str:
    """Four products with a result of so many bits."""
    rng = np.random.default_rng(bits)
    weights = rng.integers(2 ** (bits - 18) - 2**10, 2 ** (bits - 18), (4, 2)) * np.array([1, -1])
    name = b.node(f"sum{bits}", Dense(weights, rng.integers(-99, 99, 2), (Fraction(1, 16),)), source)
    assert b.values[name].width == bits
    return name


@pytest.fixture(scope="module")
def graph() -> Graph:
    rng = np.random.default_rng(1)
    b = GraphBuilder("wide")
    x = b.input("x_q", (4,), Fraction(1, 8), S16)
    image = b.input("image_q", (4, 4, 2), Fraction(1, 4), U12)
    outputs = [summed(b, x, bits) for bits in WIDTHS]
    outputs.append(b.node("positive", Relu(), "sum60"))
    general = Requantise((Fraction(12345, 2**53 + 1),), ONE, IntRange(-128, 127), Rounding.ROUND)
    outputs.append(b.node("scaled", general, "sum60"))
    steps, levels = np.array([[-(2**55) - 1, 5, 2**57 + 3]]), np.array([[-3, 1, 0, 2]])
    outputs.append(b.node("climbed", Staircase(steps, levels, ONE), "sum60"))
    outputs.append(b.requantise("shifted", "sum64", Fraction(2) ** 40, IntRange(-(2**19), 2**19 - 1)))
    outputs.append(b.node("moved", Affine((1, 3), (7, -9), ONE), "sum60"))
    weights = rng.integers(2**41, 2**42, (3, 3, 2, 2))
    pads = ((1, 1), (1, 1))
    op = Conv(weights, np.array([5, -3]), (Fraction(1, 4),), (1, 1), pads, (1, 1), 1)
    b.node("conv", op, image)
    outputs.append(b.node("pool", MaxPool((2, 2), (2, 2), ((0, 0), (0, 0)), (1, 1)), "conv"))
    return b.build(*outputs)


@pytest.fixture(scope="module", params=["parallel", "stream"])
def project(request: pytest.FixtureRequest, graph: Graph, tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("wide") / request.param
    return convert(graph, folder, HlsConfig(io=request.param))


def checked(graph: Graph, folder: Path) -> Check:
    return check_project(folder, random_vectors(graph, 100, 1), graph=graph)


@pytest.mark.slow
def test_sums_of_54_to_64_bits_are_exact(graph: Graph, project: Manifest) -> None:
    check = checked(graph, project.project)
    wrong = [part for part in (*check.verdict.layers, *check.verdict.outputs) if part.mismatches]
    assert check.outcome is Outcome.EXACT, (check.unproven, wrong)
    assert {part.name for part in check.verdict.outputs} == set(graph.outputs)


@pytest.mark.slow
def test_a_fault_in_the_highest_or_lowest_bit_is_found(
    graph: Graph, project: Manifest, tmp_path: Path
) -> None:
    """An accumulator without its highest bit, a bias that is off by one: in the layers and at the ports."""
    folder = tmp_path / "edited"
    shutil.copytree(project.project, folder)
    defines = folder / "firmware" / "defines.h"
    text = defines.read_text()
    assert "ap_fixed<64,57> sum64_accum_t" in text
    defines.write_text(text.replace("ap_fixed<64,57> sum64_accum_t", "ap_fixed<63,56> sum64_accum_t"))
    bias = folder / "firmware" / "weights" / "sum55_bias.h"
    before, numbers, after = bias.read_text().replace("{", "{{").rpartition("{{")
    first, _, rest = after.partition(",")
    bias.write_text(before.replace("{{", "{") + f"{{{float(first) + 2**-7!r},{rest}")
    assert numbers
    check = checked(graph, folder)
    found = {part.name: part for part in check.verdict.layers}
    ports = {part.name: part for part in check.verdict.outputs}
    assert check.outcome is Outcome.MISMATCH
    for parts in (found, ports):
        assert parts["sum55"].max_lsb == 1 and parts["sum55"].mismatches == 100
        assert parts["sum64"].mismatches and parts["sum64"].max_lsb == 2**63
        assert not parts["sum54"].mismatches and not parts["sum60"].mismatches


def test_only_what_is_wide_is_recorded_twice(graph: Graph, project: Manifest) -> None:
    words = {record.name: record.words for record in project.document.records}
    assert words["conv"] == words["sum54"] == 2 and words["scaled"] == words["climbed"] == 1
    assert sum(project.given) == sum(port.words * int(np.prod(port.shape)) for port in project.outputs)
    header = project.project / "firmware" / "weights" / "climbed_step.h"
    assert f"{-(2**55) - 1}, 5, {2**57 + 3}" in header.read_text()
    rows = (project.project / PREDICTIONS).read_text().splitlines()
    assert {len(row.split()) for row in rows} == {sum(project.given)}


def test_the_events_of_a_test_bench_are_read_to_the_last_bit(
    graph: Graph, project: Manifest, tmp_path: Path
) -> None:
    folder = tmp_path / "edited"
    shutil.copytree(project.project, folder)
    path = folder / PREDICTIONS
    first, *others = path.read_text().splitlines()
    path.write_text("\n".join(["\t".join(first.split()), *others]) + "\n")  # other blanks, the same numbers
    assert bench_findings(read_manifest(folder), graph) == []
    words = first.split()
    words[2] = str(int(words[2]) + 1) if words[2].lstrip("-").isdigit() else repr(float(words[2]) + 2**-7)
    path.write_text("\n".join([" ".join(words), *others]) + "\n")  # what is left of the first number of sum54
    (finding,) = bench_findings(read_manifest(folder), graph)
    assert "sum54" in finding.text


@pytest.fixture(scope="module")
def lowest(tmp_path_factory: pytest.TempPathFactory) -> tuple[Graph, Manifest]:
    """A sum of 64 bits and one that is 1, with a test bench of two events: x is -2**15 and 10."""
    b = GraphBuilder("lowest")
    op = Dense(np.array([[2**48, 1]]), np.array([4998976, 2**15 + 1]), ONE)
    graph = b.build(b.node("sum", op, b.input("x_q", (1,), Fraction(1), S16)))
    golden = {"x_q": np.array([[-(2**15)], [10]])}
    return graph, convert(graph, tmp_path_factory.mktemp("lowest") / "project", golden=golden)


@pytest.mark.parametrize(
    ("name", "row", "place", "edit", "told"),
    [
        (PREDICTIONS, 0, 0, "9223372036854774784 1 5000000 0", "event 0: not the sum"),  # equal modulo 2**64
        (PREDICTIONS, 0, 1, "0.5 {2} 0.5", "event 0: not the sum"),  # the sum of which is right
        (PREDICTIONS, 0, 1, "2 {2} -1", "event 0: not the sum"),
        (PREDICTIONS, 0, 1, "1e999 {2} 0", "event 0: not the sum"),
        (PREDICTIONS, 0, 1, "nan {2} 0", "does not hold the outputs"),
        (PREDICTIONS, 0, 1, "0x1 {2} 0", "does not hold the outputs"),
        (FEATURES, 1, 0, "1_0", "does not hold events"),
        (FEATURES, 1, 0, "1e308", "does not hold events"),
    ],
)
def test_words_that_are_not_those_of_the_reference(
    lowest: tuple[Graph, Manifest], tmp_path: Path, name: str, row: int, place: int, edit: str, told: str
) -> None:
    graph, made = lowest
    folder = tmp_path / "edited"
    shutil.copytree(made.project, folder)
    rows = [line.split() for line in (folder / name).read_text().splitlines()]
    rows[row] = [*rows[row][:place], *edit.format(*rows[row]).split()]
    assert {len(numbers) for numbers in rows} == {1 if name == FEATURES else 4}
    (folder / name).write_text("".join(" ".join(numbers) + "\n" for numbers in rows))
    (finding,) = bench_findings(read_manifest(folder), graph)
    assert finding.file == name and told in finding.text


def test_two_words_are_every_bit() -> None:
    codes = np.array([[2**63 - 1, -(2**63)], [2**53 + 1, -(2**60) - 7]])
    nearest, rest = two_words(codes)
    assert [[int(a) + int(b) for a, b in zip(*r, strict=True)] for r in zip(nearest, rest, strict=True)] == (
        codes.tolist()
    )


def test_two_words_are_joined_exactly() -> None:
    codes = np.array([2**62 + 1, -(2**53) - 1, 2**63 - 3000, 0])
    sums = joined(*two_words(codes))
    assert sums.dtype == np.int64 and sums.tolist() == codes.tolist()
    for nearest, rest in [
        (2**63 - 1024, 2**62),
        (0, 2**63),
        (2**63 - 1024, 1024),
        (-(2**63), -1),
        (0.5, 0.5),
    ]:
        (total,) = joined(np.array([float(nearest)]), np.array([float(rest)]))
        assert total == Fraction(nearest) + Fraction(rest)


def test_a_narrow_project_has_no_second_words(tmp_path: Path) -> None:
    b = GraphBuilder("narrow")
    made = convert(b.build(summed(b, b.input("x_q", (4,), Fraction(1, 8), S16), 53)), tmp_path / "narrow")
    assert not list(made.project.rglob("levelone_words.h"))


def test_what_is_wider_is_refused_by_name(tmp_path: Path) -> None:
    b = GraphBuilder("wider")
    x = b.input("x_q", (4,), Fraction(1, 8), S16)
    with pytest.raises(UnsupportedError, match=r"sum65: 65 bits; csim .* 64 bits") as told:
        convert(b.build(summed(b, x, 65)), tmp_path / "project")
    assert told.value.hint
    assert not (tmp_path / "project").exists()
    b = GraphBuilder("port")
    b.input("port", (2,), Fraction(1), IntRange(0, 2**54))
    with pytest.raises(UnsupportedError, match="port: 55 bits; a port takes doubles") as told:
        convert(b.build(b.node("y", Relu(), "port")), tmp_path / "project")
    assert told.value.hint
