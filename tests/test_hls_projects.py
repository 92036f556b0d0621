"""Every committed project: regenerated from its QONNX file, its C simulation validated, in both io modes.

The RTL of the smallest one is written and simulated in both styles. This is what makes "csim validated in CI"
real: nothing of an earlier build is used, golden vectors are the trained module's own integers, and random
vectors are fresh ones.
"""

from __future__ import annotations

import os
import zlib
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from levelone.files import sha256
from levelone.graph import Graph, execute, read_qonnx
from levelone.graph.inputs import quantise_inputs, real_inputs
from levelone.hls import convert
from levelone.pipeline.checks import VectorSet, compare
from levelone.pipeline.converting import convert_with
from levelone.pipeline.cosim import cosim_folder
from levelone.pipeline.modules import module_in
from levelone.recipe import Recipe
from levelone.rtl.config import RtlConfig
from levelone.verify import compare_codes, random_vectors, read_vectors
from levelone.zoo import read_recipe
from levelone.zoo.kit.system import System

ROOT = Path(__file__).parents[1] / "hls_projects"
PROJECTS = sorted(path.parent for path in ROOT.glob("*/model.onnx"))
RANDOM = 1000
LEAST = 20
"""Events of a project's C simulation: golden ones, and fresh ones where those are fewer."""
MODES = ("parallel", "stream")


def name_of(path: Path) -> str:
    return path.name


def fresh_seed(project: Path) -> int:
    """``LEVELONE_SEED``, which .ci/run draws anew and prints; else one that changes with the model."""
    given = os.environ.get("LEVELONE_SEED")
    return int(given) if given else zlib.crc32(sha256(project / "model.onnx").encode())


def test_there_are_projects() -> None:
    assert PROJECTS, f"no committed project found in {ROOT}"


@pytest.mark.parametrize("project", PROJECTS, ids=name_of)
def test_golden_vectors_belong_to_the_model_and_the_reference_reproduces_them(project: Path) -> None:
    graph = read_qonnx(project / "model.onnx")
    golden = read_vectors(project / "vectors.h5", graph)
    assert golden.model_sha256 == sha256(project / "model.onnx")
    reference = execute(graph, golden.inputs, keep="all")
    assert set(graph.outputs) <= set(golden.layers)
    for name, codes in golden.layers.items():
        assert compare_codes(name, codes, reference[name]).mismatches == 0


@pytest.mark.parametrize("project", PROJECTS, ids=name_of)
def test_the_committed_module_gives_the_golden_vectors(project: Path) -> None:
    module = module_in(project)
    assert module is not None
    graph = read_qonnx(project / "model.onnx")
    golden = read_vectors(project / "vectors.h5", graph)
    found = module.codes(graph, real_inputs(graph, golden.inputs))
    assert set(found) == set(golden.layers)
    for name, codes in found.items():
        assert compare_codes(name, golden.layers[name], codes).mismatches == 0


def fresh_events(
    system: System, recipe: Recipe, graph: Graph, count: int, seed: int, folder: Path
) -> dict[str, NDArray[np.int64]]:
    """Input codes of `count` events that its generator makes anew."""
    # Most events are training events, at least seven in ten: of a small file, too few may fall to the others.
    made = recipe.model_copy(update={"generate": {"events": 6 * count, "seed": seed % 2**31}})
    system.generator.make(folder / "events.h5", system.generator.options(made))
    events = system.load(recipe, folder / "events.h5", "train", count)
    assert len(events) == count
    return quantise_inputs(graph, events.inputs)


@pytest.mark.slow
@pytest.mark.parametrize("project", PROJECTS, ids=name_of)
def test_csim_is_exact(project: Path, tmp_path: Path) -> None:
    """In both io modes at once, on the same vectors: events, golden and fresh ones, and random vectors."""
    system, recipe = read_recipe(project / "recipe.toml")
    graph = read_qonnx(project / "model.onnx")
    folders = [tmp_path / io for io in MODES]
    for folder in folders:
        config = recipe.hls.model_copy(update={"io": folder.name})
        convert(graph, folder, config, name=recipe.system, model=project / "model.onnx")
    golden = read_vectors(project / "vectors.h5", graph)
    module = module_in(project)
    assert module is not None
    seed = fresh_seed(project)
    chosen = {"random": random_vectors(graph, min(RANDOM, recipe.verify.random), seed)}
    if len(golden) < LEAST:
        chosen["fresh"] = fresh_events(system, recipe, graph, LEAST - len(golden), seed, tmp_path)
    sets = [
        VectorSet("golden", golden.inputs, golden.layers),
        *(
            VectorSet(f"{name}, seed {seed}", codes, module.codes(graph, real_inputs(graph, codes)))
            for name, codes in chosen.items()
        ),
    ]
    result = compare(folders, graph, sets, [])
    assert result["verdict"] == "exact", result["first_mismatch"] or result["reason"]
    assert [(body["project"], body["verdict"]) for body in result["bodies"]] == [
        (str(folder), "exact") for folder in folders
    ]
    others = sum(len(next(iter(codes.values()))) for codes in chosen.values())
    assert result["vectors"] == len(golden) + others
    for part in result["sets"]:
        for body in part["bodies"]:  # every layer, not only the output
            compared = {layer["name"] for layer in body["layers"] if layer["compared"]}
            assert {node.name for node in graph} <= compared


@pytest.mark.slow  # verilates and compiles
@pytest.mark.parametrize(
    ("config", "clocks"),
    [(RtlConfig(style="stream"), 64), (RtlConfig(style="unrolled", max_levels=6), 1)],
    ids=["stream", "unrolled"],
)
def test_rtl_is_exact_clock_by_clock(config: RtlConfig, clocks: int, tmp_path: Path) -> None:
    """Of PixelSeed, the one that is small enough for both styles."""
    project = ROOT / "pixelseed"
    convert_with("rtl", project / "model.onnx", tmp_path / "rtl", config)
    result = cosim_folder(tmp_path / "rtl", seed=fresh_seed(project), gaps=0.3, stalls=0.3)
    assert result["verdict"] == "exact", result["first_mismatch"] or result["reason"]
    assert result["vectors"] == 256 + RANDOM  # golden and random ones
    assert result["clocks_per_event"] == result["timing"]["planned_clocks_per_event"] == clocks
    assert [(len(how["resets"]), how["problem"]) for how in result["traffic"]] == [(0, None), (8, None)]
    compared = {layer["name"] for layer in result["layers"] if layer["compared"]}
    assert {node.name for node in read_qonnx(project / "model.onnx")} <= compared
