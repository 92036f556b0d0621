"""The verifier under test: faults planted in generated projects must not pass the standard csim vectors.

The full score is `python -m benchmarks.mutation`; here are as many faults as a few builds can carry.
"""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from benchmarks.mutation.edits import Edit, Fault, plant, planted, text_of
from benchmarks.mutation.faults import INVISIBLE, all_faults
from benchmarks.mutation.graphs import large_graphs, looped_graphs, pack, small_graphs
from benchmarks.mutation.packed import Packed, every_input, many_inputs
from benchmarks.mutation.page import table
from benchmarks.mutation.rtl import block_faults
from benchmarks.mutation.score import COLUMNS, STATES, Judge, Mutant, percent, run, score
from benchmarks.mutation.settings import GATHERING, LOOPED
from benchmarks.mutation.shared import SHARED, told

from levelone.errors import LeveloneError
from levelone.graph import Codes, Graph, Rounding, execute
from levelone.graph.ops import Dense, Requantise
from levelone.hls import HlsConfig, Manifest, convert, operations
from levelone.hls.body import BODY as HLS
from levelone.hls.lower import lower
from levelone.rtl.project import BLOCKS, SOURCES
from levelone.verify import Check, Outcome, Verdict, random_vectors


@pytest.mark.slow
@pytest.mark.parametrize("io", ["parallel", "stream"])
def test_no_fault_survives(io: str, tmp_path: Path) -> None:
    """All faults of one graph are read, ten are run; every possible input decides which ones matter."""
    graphs = [small_graphs(io)[9]]
    mutants = run(graphs, HlsConfig(io=io), tmp_path, copies=8, builds=1, alone=1)
    counts = score(mutants)["all"]
    assert [m.fault for m in mutants if m.state in ("survived", "false alarm")] == []
    assert counts["caught"] >= 4 and percent(counts) == 100.0 and counts["harmless"] >= 20
    assert counts["planted"] == sum(counts[state] for state in STATES)


@pytest.mark.slow
def test_vectors_that_show_nothing_miss_faults(tmp_path: Path) -> None:
    """The score can be bad: inputs at rest show little."""

    def at_rest(graph: Graph) -> Mapping[str, Codes]:
        return {p.value.name: np.zeros((20, *p.value.shape), dtype=np.int64) for p in graph.inputs}

    graphs = [small_graphs("parallel")[3]]
    mutants = run(graphs, HlsConfig(), tmp_path, copies=8, builds=1, vectors=at_rest)
    assert any(mutant.state == "only read" for mutant in mutants)
    assert (percent(score(mutants)["all"]) or 0.0) < 100.0


# --- the faults themselves


Planned = dict[str, tuple[Manifest, list[Fault]]]


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Planned:
    """All small graphs in one project, windows of both forms among them, and its faults, by io mode."""
    found = {}
    for io in ("parallel", "stream"):
        graph = pack([*small_graphs(io), *looped_graphs()], 1)
        event = {port.value.name: np.zeros((1, *port.value.shape), np.int64) for port in graph.inputs}
        folder = tmp_path_factory.mktemp(io) / "project"
        manifest = convert(graph, folder, HlsConfig(io=io), golden=event)
        found[io] = manifest, all_faults(manifest, seed=1, per_array=2)
    return found


def test_every_fault_of_shared_code_is_planted_somewhere(planned: Planned) -> None:
    """A text that is no longer in its header would silently be no fault at all."""
    planted = {fault.what for _, faults in planned.values() for fault in faults if fault.layer is None}
    wanted = {told(name, old, new) for name, entries in SHARED.items() for _, old, new in entries}
    assert wanted - planted == set()
    own = {path.name for path in Path(operations.__file__).parent.glob("levelone_*.h")}
    assert own <= SHARED.keys()


def test_every_generated_window_has_a_fault(planned: Planned) -> None:
    """Whether it is spelt out or gathered by loops, whose every text of `LOOPED` stands somewhere."""
    manifest, faults = planned["parallel"]
    edits = [(fault.what, edit) for fault in faults for edit in fault.edits if edit.file == GATHERING]
    text = text_of(manifest.project, GATHERING)
    starts = [found.start() for found in re.finditer(r"class fill_buffer_\d+", text)]
    spelt = 0
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        planted = [what for what, edit in edits if start < edit.start and edit.end <= end]
        assert planted, text[start:end][:400]
        spelt += not any(" in place of " in what for what in planted)
    assert 0 < spelt < len(starts)
    told = {(kind, repr(old)) for kind, old, _ in LOOPED}
    looped = {(f.kind, f.what.rpartition(" in place of ")[2]) for f in faults if f.edits[0].file == GATHERING}
    assert told <= looped


def test_every_block_of_rtl_has_a_fault(tmp_path: Path) -> None:
    shutil.copytree(BLOCKS, tmp_path / SOURCES)
    blocks = sorted(path.stem for path in BLOCKS.glob("*.sv"))
    assert [block for block in blocks if not block_faults(tmp_path, block, 1)] == []


def test_settings_of_own_layers_are_planted(planned: Planned) -> None:
    _, faults = planned["parallel"]
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
    kinds = {fault.what.split("[")[0]: fault.kind for fault in faults if "exchanged" in fault.what}
    assert kinds["g5c0_act_factor"] == "factor" and kinds["g5c0_act_term"] == "term"
    assert kinds["g7c0_few_step"] == "threshold" and kinds["g5c0_tabled_table"] == "table entry"


@pytest.mark.parametrize("io", ["parallel", "stream"])
def test_every_kind_of_fault_is_planted_somewhere(io: str, planned: Planned) -> None:
    manifest, faults = planned[io]
    kinds = Counter(fault.kind for fault in faults)
    wanted = {"weight code", "bias code", "width", "sign", "rounding", "saturation", "stride", "padding"}
    wanted |= {"window", "order", "operation", "line buffer"} | (
        {"stream depth"} if io == "stream" else set()
    )
    wanted |= {
        "row: weight code",
        "array",
        "spelling",
        "decimals",
        "commented out",
        "wider accumulator",
        "include",
    }
    wanted |= {"call", "call order", "record", "output", "bridge", "port order", "added file", "comment"}
    wanted |= set(INVISIBLE) - {"stream depth"}
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
    for fault in faults[:: len(faults) // 20]:
        names = {edit.file for edit in fault.edits}
        before = {name: (manifest.project / name).read_bytes() for name in names}
        with planted(manifest.project, fault):
            assert all((manifest.project / name).read_bytes() != before[name] for name in names), fault
        assert all((manifest.project / name).read_bytes() == before[name] for name in names)


def test_edits_of_one_file_do_not_disturb_each_other(tmp_path: Path) -> None:
    (tmp_path / "a.h").write_text("0123456789")
    plant(tmp_path, [Fault("x", None, "", (Edit("a.h", 2, 3, "long"), Edit("a.h", 7, 9, "")))])
    assert (tmp_path / "a.h").read_text() == "01long34569"
    with planted(tmp_path, Fault("x", None, "", (Edit("b.h", 0, 0, "new\r\n"),))):
        assert (tmp_path / "b.h").read_bytes() == b"new\r\n"
    assert not (tmp_path / "b.h").exists()


def test_copies_compute_what_their_originals_do() -> None:
    graphs = small_graphs("parallel")
    packed = pack(graphs, 2)
    codes = random_vectors(packed, 8, 1)
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
    both = every_input(small_graphs("parallel")[9])
    assert both is not None and len(np.unique(np.concatenate([*both.values()], axis=1), axis=0)) == 4**4
    many = many_inputs(large_graphs()[0], 50, seed=1)["x_q"]
    assert many.shape == (50 + 2 * 16, 4, 2, 2) and set(np.unique(many)) == {0, 1}


@pytest.mark.parametrize("io", ["parallel", "stream"])
def test_every_fault_is_read_and_no_harmless_edit(io: str, tmp_path: Path) -> None:
    """Of every kind some, each alone; what is left out or added behind the last recording included."""
    graph = pack([small_graphs(io)[9]], 1)
    manifest = convert(graph, tmp_path / "p", HlsConfig(io=io))
    judge = Judge(Packed(graph, {}, {}), manifest, tmp_path)
    by_kind: dict[str, list[Fault]] = {}
    for fault in all_faults(manifest, seed=1, per_array=1):
        by_kind.setdefault(fault.kind, []).append(fault)
    assert {"output", "bridge", "port order", "events", "document", "comment"} <= by_kind.keys()
    for fault in [fault for faults in by_kind.values() for fault in faults[:3]]:
        assert judge.shown(fault) is not fault.harmless, fault
    comment = by_kind["comment"][0]
    assert judge.same_program(comment).equivalent and not judge.same_program(by_kind["output"][0]).equivalent


def test_states_of_mutants_add_up() -> None:
    fault, harmless = Fault("width", "x", "", ()), Fault("comment", None, "", (), harmless=True)
    mutants = [
        Mutant(fault, read=True, ran=True, caught=True),
        Mutant(fault, read=False, ran=True),
        Mutant(fault, read=True, ran=True),
        Mutant(fault, read=True, ran=True, equivalent=True),
        Mutant(fault, read=True, ran=True, caught=True, note="does not build"),
        Mutant(fault, read=True),
        Mutant(harmless, read=False, ran=True, equivalent=True),
        Mutant(harmless, read=True),
        Mutant(harmless, read=False, ran=True),
    ]
    counts = score(mutants)
    assert counts["width"] == dict.fromkeys(COLUMNS, 0) | {
        "planted": 6,
        "read": 5,
        "caught": 1,
        "survived": 1,
        "only read": 1,
        "equivalent": 1,
        "did not run": 1,
        "read, not run": 1,
    }
    assert [counts["comment"][state] for state in ("harmless", "false alarm", "survived")] == [1, 1, 1]
    assert percent(counts["all"]) == 25.0
    assert percent(score(mutants[3:4])["all"]) is None  # nothing that a score could be made of
    assert table(counts, COLUMNS).splitlines()[-1].startswith("| all | 9 | 6 |")


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
    (mutant,) = Judge(packed, manifest, tmp_path)([all_faults(manifest, seed=1, per_array=1)[0]]) or []
    assert mutant.state == ("did not run" if build_fails else "only read")
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
