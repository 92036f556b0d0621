"""The verifier under test: faults planted in generated projects must not pass the standard csim vectors.

The full score is `python -m benchmarks.mutation`; here are as many faults as a few builds can carry.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from benchmarks.mutation.faults import INVISIBLE, SHARED, Edit, Fault, all_faults, plant, told
from benchmarks.mutation.graphs import large_graphs, pack, small_graphs
from benchmarks.mutation.score import (
    Mutant,
    Packed,
    _judge,
    every_input,
    many_inputs,
    percent,
    run,
    score,
)

from levelone.errors import LeveloneError
from levelone.graph import Codes, Graph, Rounding, execute
from levelone.graph.ops import Dense, Requantise
from levelone.hls import HlsConfig, Manifest, convert, operations
from levelone.hls.body import BODY as HLS
from levelone.hls.lower import lower
from levelone.verify import Check, Outcome, Verdict, random_vectors
from levelone.verify.reading import read_project


@pytest.mark.slow
@pytest.mark.parametrize("io", ["parallel", "stream"])
def test_no_fault_survives(io: str, tmp_path: Path) -> None:
    """Three faults in each small graph; every possible input decides which ones matter."""
    graphs = small_graphs(io)
    mutants = run(graphs, HlsConfig(io=io), tmp_path, copies=3, builds=1)
    assert len(mutants) == 3 * len(graphs) and len({m.fault.kind for m in mutants}) >= 6
    assert [m.fault for m in mutants if m.missed] == []
    # whatever changes something is seen without running it, too
    assert [m.fault for m in mutants if not m.read and not m.equivalent] == []
    counts = score(mutants)["all"]
    assert counts["caught"] >= 10 and percent(counts) == 100.0
    assert counts["planted"] == sum(counts[key] for key in counts if key != "planted")


@pytest.mark.slow
def test_vectors_that_show_nothing_let_faults_survive(tmp_path: Path) -> None:
    """The score can be bad: inputs at rest do not move a weight."""

    def at_rest(graph: Graph) -> Mapping[str, Codes]:
        return {p.value.name: np.zeros((20, *p.value.shape), dtype=np.int64) for p in graph.inputs}

    graphs = [small_graphs("parallel")[3]]
    mutants = run(graphs, HlsConfig(), tmp_path, copies=8, builds=1, vectors=at_rest)
    survivors = {m.fault.kind for m in mutants if m.missed}
    assert "weight code" in survivors
    assert percent(score(mutants)["all"]) < 100.0


# --- the faults themselves


def faults_of_small_graphs(io: str, folder: Path) -> tuple[Manifest, list[Fault]]:
    manifest = convert(pack(small_graphs(io), 1), folder, HlsConfig(io=io))
    return manifest, all_faults(manifest, seed=1, per_array=2)


def test_every_fault_of_shared_code_is_planted_somewhere(tmp_path: Path) -> None:
    """A text that is no longer in its header would silently be no fault at all."""
    planted = {
        fault.what
        for io in ("parallel", "stream")
        for fault in faults_of_small_graphs(io, tmp_path / io)[1]
        if fault.layer is None
    }
    wanted = {told(name, old, new) for name, entries in SHARED.items() for _, old, new in entries}
    assert wanted - planted == set()
    own = {path.name for path in Path(operations.__file__).parent.glob("levelone_*.h")}
    assert own <= SHARED.keys()


def test_settings_of_own_layers_are_planted(tmp_path: Path) -> None:
    _, faults = faults_of_small_graphs("parallel", tmp_path / "p")
    for layer, settings in {
        "many": {"shift", "channels", "lowest", "highest"},
        "half": {"rounding"},
        "few": {"steps"},
        "conv": {"groups", "dilation_depth", "filt_width", "stride_depth", "pad_depth", "out_channels"},
        "padded": {"fill"},
        "gated": {"a_depth", "b_width"},
        "beside": {"blocks", "a_block"},
    }.items():
        said = [fault.what for fault in faults if fault.layer == f"g7c0_{layer}"]
        found = {what.split(": ")[1].split(" = ")[0] for what in said if " = " in what}
        assert settings <= found, (layer, found)
    kinds = {fault.what.split("[")[0]: fault.kind for fault in faults if "[" in fault.what}
    assert kinds["g5c0_act_factor"] == "factor" and kinds["g5c0_act_term"] == "term"
    assert kinds["g7c0_few_step"] == "threshold" and kinds["g5c0_tabled_table"] == "table entry"


@pytest.mark.parametrize("io", ["parallel", "stream"])
def test_every_kind_of_fault_is_planted_somewhere(io: str, tmp_path: Path) -> None:
    manifest, faults = faults_of_small_graphs(io, tmp_path / "project")
    kinds = Counter(fault.kind for fault in faults)
    wanted = {"weight code", "bias code", "width", "sign", "rounding", "saturation", "stride", "padding"}
    wanted |= {"window", "order", "operation", "line buffer"} | ({INVISIBLE} if io == "stream" else set())
    wanted |= {
        "factor",
        "term",
        "threshold",
        "table entry",
        "source",
        "shift",
        "limits",
        "dilation",
        "groups",
    }
    assert wanted <= kinds.keys()
    assert faults == all_faults(manifest, seed=1, per_array=2)
    names = {edit.file for fault in faults for edit in fault.edits}
    before = {manifest.project / name: (manifest.project / name).read_text() for name in names}
    for fault in faults[:: len(faults) // 20]:
        plant(manifest.project, [fault])
        after = {path: path.read_text() for path in before}
        changed = {
            path.relative_to(manifest.project).as_posix() for path in before if after[path] != before[path]
        }
        assert changed == {edit.file for edit in fault.edits}, fault
        for path, text in before.items():
            path.write_text(text)


def test_edits_of_one_file_do_not_disturb_each_other(tmp_path: Path) -> None:
    (tmp_path / "a.h").write_text("0123456789")
    plant(tmp_path, [Fault("x", None, "", (Edit("a.h", 2, 3, "long"), Edit("a.h", 7, 9, "")))])
    assert (tmp_path / "a.h").read_text() == "01long34569"


def test_copies_compute_what_their_originals_do() -> None:
    graphs = small_graphs("parallel")
    packed = pack(graphs, 2)
    codes = {name: random_vectors(packed, 8, 1)[name] for name in (p.value.name for p in packed.inputs)}
    together = execute(packed, codes)
    for number, graph in enumerate(graphs):
        own = execute(graph, {p.value.name: codes[f"g{number}c1_{p.value.name}"] for p in graph.inputs})
        for name, found in own.items():
            assert (together[f"g{number}c1_{name}"] == found).all()


def test_every_input_is_every_input() -> None:
    codes = every_input(small_graphs("parallel")[2])
    assert codes is not None
    assert len(np.unique(codes["x_q"], axis=0)) == len(codes["x_q"]) == 8**4
    assert every_input(large_graphs()[0], limit=2**10) is None
    many = many_inputs(large_graphs()[0], 50, seed=1)["x_q"]
    assert many.shape == (50 + 2 * 16, 4, 2, 2) and set(np.unique(many)) == {0, 1}


@pytest.mark.parametrize("io", ["parallel", "stream"])
def test_faults_at_the_ports_are_read(io: str, tmp_path: Path) -> None:
    """What no recording of a layer can show: outputs, the bridge, the order of calls."""
    graph = small_graphs(io)[3]
    manifest = convert(graph, tmp_path / "p", HlsConfig(io=io))
    faults = [f for f in all_faults(manifest, seed=1, per_array=1) if f.layer is None]
    by_kind = {fault.kind: fault for fault in faults if fault.kind in ("output", "bridge", "call order")}
    assert {"output", "bridge"} <= by_kind.keys()
    for kind, fault in by_kind.items():
        project = tmp_path / kind
        shutil.copytree(manifest.project, project)
        plant(project, [fault])
        found = read_project("hls", HLS.read(project), graph).findings()
        assert [finding.file for finding in found] == [fault.edits[0].file], kind


def test_scores_add_up() -> None:
    fault = Fault("width", "x", "", ())
    hidden = Fault(INVISIBLE, "x", "", ())
    mutants = [
        Mutant(fault, equivalent=False, caught=True),
        Mutant(fault, equivalent=False, caught=False),
        Mutant(fault, equivalent=False, caught=False, read=True),
        Mutant(fault, equivalent=True, caught=False),
        Mutant(fault, equivalent=False, caught=True, note="does not build"),
        Mutant(hidden, equivalent=True, caught=False),
    ]
    table = score(mutants)
    assert table["width"] == dict(
        planted=5, caught=1, survived=1, equivalent=1, **{"only read": 1, "not visible": 0, "did not run": 1}
    )
    assert table[INVISIBLE]["not visible"] == 1 and table["all"]["planted"] == 6
    assert percent(table["all"]) == pytest.approx(100 / 3)
    assert percent(score([mutants[3]])["all"]) is None  # nothing that a score could be made of


@pytest.mark.parametrize("build_fails", [True, False])
def test_a_crash_that_the_standard_vectors_do_not_cause_survives(
    build_fails: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = small_graphs("parallel")[3]
    manifest = convert(pack([graph], 1), tmp_path / "p")
    standard, thorough = ({"x": np.full(1, i)} for i in (0, 1))
    packed = Packed(graph, standard, thorough)

    def check(folder: Path, codes: Mapping[str, Codes], graph: Graph, reading: object) -> Check:
        if build_fails:
            raise LeveloneError("mutant does not compile")
        if codes is thorough:
            raise LeveloneError("the C simulation of mutant crashed (SIGSEGV)")
        nothing = HLS.read(folder)  # of which nothing else is asked
        exact = Verdict(Outcome.EXACT, 1, ())
        return Check("hls", "C simulation", nothing, exact, None, (), True, None, 0.0, False, 0.0)

    monkeypatch.setattr("benchmarks.mutation.score.check_project", check)
    (mutant,) = _judge(packed, manifest, [all_faults(manifest, seed=1, per_array=1)[0]], tmp_path) or []
    assert mutant.missed is not build_fails and mutant.read and not mutant.survived
    assert mutant.note == ("does not build" if build_fails else "")
    assert percent(score([mutant])["all"]) == (None if build_fails else 0.0)


# --- the vectors that shall catch them


def test_vectors_make_every_weight_of_deep_layers_count() -> None:
    graph = large_graphs()[1]
    values = execute(graph, random_vectors(graph, 1000, seed=1))
    reached = execute(graph, many_inputs(graph, 20_000, seed=3))
    for node in graph:
        if isinstance(node.op, Dense):
            for sign in (1, -1):
                possible = (sign * reached[node.inputs[0]] > 0).any(axis=0)
                assert ((sign * values[node.inputs[0]] > 0).any(axis=0) >= possible).all()


@pytest.mark.parametrize("key", ["factor", "term"])
def test_factors_and_terms_that_are_off_by_one_do_not_pass(key: str) -> None:
    """Neighbours of every factor and term of a network with float32 scales, judged on all 65,536 inputs.

    Left to luck is only what one or two of all inputs show.
    """
    graph = large_graphs()[2]
    every, standard = every_input(graph), random_vectors(graph, 1000, seed=1)
    assert every is not None
    everything, shown = execute(graph, every), execute(graph, standard)
    changing, missed = 0, []
    for spec in lower(graph, HlsConfig()):
        node = next((n for n in graph if n.name == spec.name and isinstance(n.op, Requantise)), None)
        if node is None or spec.body is None or "factor" not in spec.parameters:
            continue
        assert isinstance(node.op, Requantise)
        unit = 2 ** int(spec.body.constants["shift"])
        meant = {name: [int(code) for code in spec.parameters[name].codes] for name in ("factor", "term")}
        for channel in range(len(meant[key])):
            for delta in (1, -1) if key == "factor" else (1, -1, unit // 64, -unit // 64):
                codes = {name: list(found) for name, found in meant.items()}
                codes[key][channel] += delta
                multiplier, offset = (tuple(Fraction(c, unit) for c in codes[k]) for k in ("factor", "term"))
                body = replace(node.op, multiplier=multiplier, offset=offset, rounding=Rounding.FLOOR)
                operand = node.inputs[0]
                where = (body.evaluate(everything[operand]) != everything[node.name]).any(axis=1)
                changing += bool(where.any())
                if where.any() and (body.evaluate(shown[operand]) == shown[node.name]).all():
                    missed.append((node.name, channel, delta, int(np.count_nonzero(where))))
    assert changing >= 10
    assert [fault for fault in missed if fault[-1] > 2] == []
