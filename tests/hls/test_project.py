import json
import re
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import hls_graphs as graphs
import pytest

from levelone.errors import LeveloneError, UnsupportedError
from levelone.files import sha256
from levelone.graph import Graph, GraphBuilder, IntRange
from levelone.graph.ops import Affine, Dense, MaxPool, Relu, Requantise
from levelone.hls import HlsConfig, Manifest, convert, find_compiler, read_manifest
from levelone.hls import emit as emit_module
from levelone.hls.lower import lower


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.mark.parametrize("io", ["parallel", "stream"])
def test_the_same_graph_gives_the_same_bytes_anywhere(io: str, network: Graph, tmp_path: Path) -> None:
    model = tmp_path / "model.onnx"
    model.write_bytes(b"the model")
    extras = {"recipe.toml": b"system = 'tiny'\n"}
    made = [
        convert(network, tmp_path / place, HlsConfig(io=io), model=model, extras=extras).project
        for place in ("here", "there/deeper")
    ]
    first, second = (contents(folder) for folder in made)
    assert first == second
    for name, data in first.items():
        assert str(tmp_path).encode() not in data, name
        assert str(Path.home()).encode() + b"/" not in data, name
        assert re.search(rb"site-packages|/tmp/", data) is None, name


def test_the_manifest_ties_everything_together(network: Graph, tmp_path: Path) -> None:
    model = tmp_path / "model.onnx"
    model.write_bytes(b"the model")
    recipe = tmp_path / "some.toml"
    recipe.write_text("system = 'tiny'\n")
    config = HlsConfig(part="xcku115-flvb2104-2-i", clock_ns=4.0)
    manifest = convert(
        network, tmp_path / "p", config, name="tiny", model=model, extras={"recipe.toml": recipe}
    )
    assert manifest.document.model.sha256 == sha256(model) == sha256(manifest.project / "levelone/model.onnx")
    assert (manifest.project / "levelone/recipe.toml").read_text() == "system = 'tiny'\n"
    data = manifest.data
    files = {str(p.relative_to(manifest.project)) for p in manifest.project.rglob("*") if p.is_file()}
    assert set(data["digests"]) == files - {"levelone.json"}
    assert manifest.edited == []
    (manifest.project / "firmware/defines.h").write_text("")
    (manifest.project / "tiny_test.cpp").unlink()
    assert manifest.edited == ["firmware/defines.h", "tiny_test.cpp"]
    tcl = (manifest.project / "project.tcl").read_text()
    assert 'set part "xcku115-flvb2104-2-i"' in tcl and "set clock_period 4.0" in tcl and '"vitis"' in tcl
    conv1 = next(layer for layer in data["layers"] if layer["name"] == "conv1")
    value = network.values["conv1"]
    assert (conv1["lo"], conv1["hi"], conv1["exponent"]) == (value.range.lo, value.range.hi, value.exponent)
    assert conv1["types"]["result"] == f"ap_fixed<{value.width},{value.width + (value.exponent or 0)}>"
    assert [port["source"] for port in data["inputs"]] == ["images", "features"]


def test_the_manifest_says_what_the_host_still_has_to_do(network: Graph, tmp_path: Path) -> None:
    graph = replace(network, left_off=("node 'softmax' (Softmax) is left to the host",))
    assert convert(graph, tmp_path / "p").data["left_off"] == list(graph.left_off)


def test_firmware_speaks_the_names_of_the_graph(fresh: Manifest, network: Graph) -> None:
    top = (fresh.project / "firmware/myproject.cpp").read_text()
    for node in network:
        assert re.search(rf"// {node.name}$|auto& {node.name} =", top, re.MULTILINE), node.name
    assert "#pragma HLS PIPELINE II=1" in top
    defines = (fresh.project / "firmware/defines.h").read_text()
    assert "typedef ap_ufixed<4,3> images_q_t;" in defines  # the quantiser's own integers: 4 bits, worth 1/2
    assert "typedef ap_fixed<5,2> features_q_t;" in defines
    assert (fresh.project / "firmware/weights/conv1_weight.h").is_file()


def test_a_stream_is_a_dataflow(network: Graph, tmp_path: Path) -> None:
    manifest = convert(network, tmp_path / "s", HlsConfig(io="stream"))
    top = (manifest.project / "firmware/myproject.cpp").read_text()
    assert "#pragma HLS DATAFLOW" in top and "PIPELINE" not in top


def test_nothing_is_printed(network: Graph, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    convert(network, tmp_path / "quiet")
    assert capfd.readouterr().out == ""


@pytest.mark.slow
@pytest.mark.parametrize("io", ["parallel", "stream"])
def test_the_test_bench_passes_and_notices_a_difference(io: str, network: Graph, tmp_path: Path) -> None:
    """As a vendor tool would run it: compile it with the firmware, run it beside tb_data."""
    project = convert(network, tmp_path / "tb", HlsConfig(io=io)).project
    command = [str(find_compiler().path), "-std=c++11", "-w", "-I", "firmware/ap_types", "-O0"]
    subprocess.run(
        [*command, "firmware/myproject.cpp", "myproject_test.cpp", "-o", "tb"], cwd=project, check=True
    )
    right = subprocess.run(["./tb"], cwd=project, capture_output=True, text=True, check=False)
    assert right.returncode == 0, right.stderr
    assert "32 events, 0 differing outputs" in right.stdout
    assert len((project / "tb_data/csim_results.log").read_text().splitlines()) == 32
    path = project / "tb_data/tb_output_predictions.dat"
    lines = path.read_text().splitlines()
    lines[3] = str(float(lines[3]) + 2**-7)
    path.write_text("\n".join(lines) + "\n")
    wrong = subprocess.run(["./tb"], cwd=project, capture_output=True, text=True, check=False)
    assert wrong.returncode == 1 and "event 3: logit[0]" in wrong.stderr
    path.write_text("")
    assert subprocess.run(["./tb"], cwd=project, capture_output=True, check=False).returncode == 1


def test_foreign_folders_are_left_alone(network: Graph, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "thesis.tex").write_text("years of work")
    with pytest.raises(LeveloneError, match="exists and is not a levelone project; nothing was written"):
        convert(network, folder)
    assert contents(folder) == {"thesis.tex": b"years of work"}
    with pytest.raises(LeveloneError, match="is a file, a project is a folder"):
        convert(network, folder / "thesis.tex")
    (tmp_path / "empty").mkdir()
    convert(network, tmp_path / "empty")


def test_converting_again_replaces_the_firmware_and_keeps_what_others_put_there(
    network: Graph, tmp_path: Path
) -> None:
    project = convert(network, tmp_path / "p").project
    before = contents(project)
    (project / "firmware/defines.h").write_text("spoilt")
    (project / "myproject_prj").mkdir()
    (project / "myproject_prj/report.txt").write_text("a night of synthesis")
    convert(network, project)
    after = contents(project)
    assert after.pop("myproject_prj/report.txt") == b"a night of synthesis"
    assert after == before


def test_a_failure_leaves_nothing_behind(
    network: Graph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("levelone.hls.project.write_firmware", full)
    with pytest.raises(LeveloneError, match="No space left on device"):
        convert(network, tmp_path / "p")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made(network: Graph, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LeveloneError, match="cannot write"):
        convert(network, tmp_path / "file" / "p")


def test_a_type_that_hls4ml_would_change_is_caught(
    network: Graph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Break the lowering on purpose: precision under a wrong name falls back to hls4ml's default."""
    honest = emit_module._model_config

    def forgetful(*args: Any) -> dict[str, Any]:
        config = honest(*args)
        precision = config["HLSConfig"]["LayerName"]["fc1"]["Precision"]
        precision["acum"] = precision.pop("accum")
        return config

    monkeypatch.setattr(emit_module, "_model_config", forgetful)
    with pytest.raises(LeveloneError, match=r"fc1: hls4ml made accum_t = ap_fixed<61,7>, intended ap_fixed<"):
        convert(network, tmp_path / "p")
    assert not (tmp_path / "p").exists()


def test_a_pass_that_infers_would_be_caught(
    network: Graph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """hls4ml's own clean-up drops a linear activation whose type it thinks is the input's."""
    passes = (*emit_module.STRUCTURE_PASSES, "vivado:optimize_pointwise_conv", "eliminate_linear_activation")
    monkeypatch.setattr(emit_module, "STRUCTURE_PASSES", passes)
    b = GraphBuilder("copy")
    x = b.input("x_q", (4,), graphs.power(-2), IntRange(0, 15))
    b.node("same", Requantise.aligning(b.values[x], graphs.power(-2)), x)
    y = b.node("y", Relu(), "same")
    with pytest.raises(LeveloneError, match="hls4ml dropped the layer same"):
        convert(b.build(y), tmp_path / "p")


def test_wrong_weights_in_the_written_files_are_caught(
    network: Graph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from levelone.hls import project as project_module

    honest = project_module.write_firmware

    def careless(model: Any, folder: Path) -> None:
        honest(model, folder)
        path = folder / "firmware/weights/fc1_weight.h"
        path.write_text(re.sub(r"= \{[^,]*,", "= {0.96875,", path.read_text()))

    monkeypatch.setattr(project_module, "write_firmware", careless)
    with pytest.raises(LeveloneError, match="fc1: hls4ml wrote other numbers than the weight codes"):
        convert(network, tmp_path / "p")


def one(op: Any, shape: tuple[int, ...], range_: IntRange = graphs.U4) -> Graph:
    b = GraphBuilder("one")
    return b.build(b.node("y", op, b.input("x_q", shape, graphs.power(-2), range_)))


def test_what_cannot_be_carried_is_refused_by_name() -> None:
    four = MaxPool((2,) * 4, (2,) * 4, ((0, 0),) * 4, (1,) * 4)
    with pytest.raises(UnsupportedError, match="y: a window over 4 axes; up to 3 can be carried"):
        lower(one(four, (2, 2, 2, 2, 2)), HlsConfig())


def test_constants_that_are_too_long_are_refused_by_name() -> None:
    zero = IntRange(0, 0)
    for op in (
        Affine((2**63,), (1,), (graphs.power(0),)),
        Affine((1,), (2**80 + 1,), (graphs.power(0),)),
        Dense([[3]], [0], (graphs.power(0),), 2**62 + 1),
    ):
        with pytest.raises(UnsupportedError, match=r"^y: "):
            lower(one(op, (1,), zero), HlsConfig())


def test_the_manifest_is_plain_json(fresh: Manifest) -> None:
    again = read_manifest(fresh.project)
    assert again.data == json.loads((fresh.project / "levelone.json").read_text())
