"""Training on voxel events that stay on disk: order, resumption, memory, and a system's whole interface."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from voxel_toy import TOY, ToyGenerate, recipe, simulate

from levelone.graph import execute, quantise_inputs, read_qonnx
from levelone.graph.layout import from_onnx_layout
from levelone.train import evaluate, export_run, train_system
from levelone.train.batches import Feed
from levelone.train.codes import layer_codes

BOUND_MB = 160


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("voxels") / "toy.h5"
    simulate(path, ToyGenerate(events=800, seed=4))
    return path


@pytest.fixture(scope="module")
def finished(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("toy-run")
    return folder, train_system(TOY, recipe(), data, folder)


def energies(batches) -> list[float]:
    return [float(x) for _, truth in batches for x in truth["energy"]]


def test_an_epoch_holds_every_event_once_in_an_order_of_seed_and_epoch(data):
    feed = Feed(TOY.source(recipe(), data, "train"))
    everything = energies(feed.in_order())
    assert len(everything) == len(feed) == 640
    first = energies(feed.epoch(32, 1, 0))
    assert sorted(first) == sorted(everything)
    assert first != everything
    assert first == energies(feed.epoch(32, 1, 0))
    assert first != energies(feed.epoch(32, 1, 1))
    assert first != energies(feed.epoch(32, 2, 0))


def test_the_incomplete_last_batch_is_left_out_in_training_only(data):
    feed = Feed(TOY.source(recipe(), data, "train", limit=100))
    epoch = feed.epoch(32, 1, 0)
    assert [len(truth["energy"]) for _, truth in epoch] == [32, 32, 32]
    assert len(epoch) == 3
    assert len(energies(feed.in_order())) == 100
    assert len(Feed(feed.source.limited(7)).epoch(32, 1, 0)) == 1


def test_epochs_of_a_part_of_the_file_go_on_where_the_last_one_ended(data):
    source = TOY.source(recipe(), data, "train")
    whole, parts = Feed(source), Feed(source, epoch_events=220)
    for seed, passes in ((1, 0), (1, 1)):
        expected = energies(whole.epoch(32, seed, passes))
        found = [energies(parts.epoch(32, seed, 3 * passes + part)) for part in range(3)]
        assert [len(part) for part in found] == [192, 192, 192]
        assert [x for part in found for x in part] == expected[: 3 * 192]
    assert len(parts.epoch(32, 1, 0)) == 6


def test_skipping_reads_no_voxels_of_the_events_before(tmp_path, monkeypatch):
    from levelone.data.voxels import VoxelFile

    simulate(tmp_path / "toy.h5", ToyGenerate(events=6000, seed=5))
    read: list[int] = []
    gather = VoxelFile._gather

    def counted(self, grid, events):
        read.append(len(events))
        return gather(self, grid, events)

    source = TOY.source(recipe(), tmp_path / "toy.h5", "train")
    whole = energies(Feed(source).epoch(100, 1, 0))
    monkeypatch.setattr(VoxelFile, "_gather", counted)
    late = Feed(source, epoch_events=1600).epoch(100, 1, 2)
    assert energies(late) == whole[3200:4800]
    assert sum(read) == 2 * (4800 - 2048)  # two grids, the second and the third window


def test_what_a_part_is_and_what_calibrates(data):
    feed = Feed(TOY.source(recipe(), data, "train"))
    assert energies(feed.part(50).in_order()) == energies(feed.in_order())[:50]
    assert [len(x) for x in feed.first(60)] == [60, 60, 60]


def test_inputs_weights_and_extra_columns_arrive_together(data):
    feed = Feed(TOY.source(recipe(), data, "train"))
    for (front, back, table), truth in feed.epoch(64, 1, 0):
        assert torch.equal(truth["weight"], 1 / (1 + truth["energy"]))
        sums = torch.stack([front.sum((1, 2, 3, 4)) / 32, back.sum((1, 2, 3, 4)) / 16], 1) - 1
        assert torch.allclose(table, sums, atol=1e-5)
        total = 4 * truth["energy"]
        assert torch.allclose(front.sum((1, 2, 3, 4)) + back.sum((1, 2, 3, 4)), total, rtol=1e-3, atol=0.1)


def test_training_learns_and_watches_what_the_system_watches(finished, data):
    folder, result = finished
    rows = result.curves["float"]["epochs"]
    assert rows[-1]["validation_loss"] < rows[0]["validation_loss"]
    module = TOY.load_module(recipe(), folder / "module.pt")
    events = TOY.load(recipe(), data, "validation")
    with torch.no_grad():
        energy, kind = module(*(torch.from_numpy(x) for x in events.inputs.values()))
    assert kind.shape == (80, 2)
    expected = np.abs(energy.numpy()[:, 0] - events.truth["energy"]).mean()
    assert result.curves["quantised"]["best_loss"] == pytest.approx(expected, rel=1e-5)
    assert set(result.curves["rivals"]) == {"wider"}


def test_every_model_is_measured_on_the_test_events(finished, data):
    folder, _ = finished
    metrics = evaluate(TOY, recipe(), data, folder)
    assert set(metrics["models"]) == {"float", "quantised", "wider", "sum"}
    assert metrics["models"]["sum"]["error"]["value"] < 0.1  # the energy is the sum, by construction
    assert metrics["data"]["test_events"] == 80
    assert json.loads((folder / "metrics.json").read_text()) == metrics
    with np.load(folder / "scores.npz") as scores:
        assert {"float/energy", "quantised/kind", "sum/energy", "truth/weight"} <= set(scores.files)
        assert scores["float/kind"].shape == (80, 2)


def test_two_outputs_export_and_the_reference_gives_the_modules_integers(finished, data, tmp_path):
    folder, _ = finished
    graph = read_qonnx(export_run(TOY, recipe(), folder, tmp_path / "toy.onnx"))
    assert tuple(graph.outputs) == ("energy", "kind")
    events = TOY.load(recipe(), data, "test")
    found = execute(graph, quantise_inputs(graph, events.inputs), keep="all")
    module = TOY.load_module(recipe(), folder / "module.pt")
    codes = layer_codes(module, events.inputs)
    assert {"conv1", "act1", "fc1", "energy", "kind"} <= set(codes)
    for name, expected in codes.items():
        assert np.array_equal(found[name], from_onnx_layout(graph, name, expected)), name


def test_a_network_for_float_only_has_no_quantised_part(data, tmp_path):
    chosen = recipe("model.variant=published", "train.float_epochs=1")
    result = train_system(TOY, chosen, data, tmp_path)
    assert "quantised" not in result.curves
    assert not (tmp_path / "module.pt").exists()
    assert set(evaluate(TOY, chosen, data, tmp_path)["models"]) == {"float", "wider", "sum"}


class StopError(Exception):
    pass


def test_interrupted_training_ends_with_the_same_weights(finished, data, tmp_path):
    def stop(line: str) -> None:
        if "float epoch 2/" in line:
            raise StopError

    with pytest.raises(StopError):
        train_system(TOY, recipe(), data, tmp_path, progress=stop)
    lines: list[str] = []
    train_system(TOY, recipe(), data, tmp_path, progress=lines.append)
    assert "float: continuing after epoch 2" in lines
    first = torch.load(finished[0] / "module.pt", weights_only=True)
    second = torch.load(tmp_path / "module.pt", weights_only=True)
    assert list(first) == list(second)
    assert all(torch.equal(first[name], second[name]) for name in first)


MEMORY = """
import re, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import torch
from levelone.train.batches import Feed
from levelone.train.loop import fit
from levelone.train.options import LoopOptions
from levelone.zoo.kit.events import Events
from levelone.zoo.kit.voxels import VoxelSource

class Mean(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.dense = torch.nn.Linear(1, 1)
    def forward(self, x):
        return self.dense(x.mean((1, 2, 3, 4))[:, None])

class Squares:
    def loss(self, outputs, truth):
        return self.monitor(outputs, truth).mean()
    def monitor(self, outputs, truth):
        return (outputs[:, 0] - truth["energy"]) ** 2

def source(split, limit=None):
    def prepare(batch):
        return Events({"calo": batch.images["calo"][:, None]}, batch.truth)
    return VoxelSource(Path(sys.argv[2]), split, limit, ("calo",), ("energy",), prepare)

def train(limit, folder):
    options = LoopOptions("float", 1, 1, 64, 1e-3, 0.0, 3, None, folder)
    feeds = Feed(source("train", limit)), Feed(source("validation", limit))
    fit(Mean(), options, *feeds, Path(sys.argv[3]) / folder, objective=Squares())
    # getrusage would count the process that this one was forked from
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", status)[1]) // 1024

before = train(640, "warm-up")
print(before, train(None, "all"))
"""


@pytest.mark.slow
def test_memory_stays_bounded_on_a_file_larger_than_the_bound(tmp_path):
    """16,000 events of 51,200 voxels, 2,500 of them filled: 3.3 GB dense, more than the bound on disk."""
    from levelone.data.voxelcheck import Column, GridSpec
    from levelone.data.voxels import SparseGrid, create_voxels

    path, shape = tmp_path / "large.h5", (50, 32, 32)
    rng = np.random.default_rng(1)
    spec = GridSpec("calo", shape, (1.0, 1.0, 1.0), ("z", "y", "x"), "GeV")
    with create_voxels(path, (spec,), (Column("energy", "float32", "GeV", ""),), {}) as writer:
        for _ in range(16):
            offsets = np.arange(1001) * 2500
            index = (np.arange(2_500_000, dtype=np.uint32) * 20 + rng.integers(0, 20, 2_500_000)) % 50_000
            cells = SparseGrid(offsets, index.astype(np.uint32), rng.random(2_500_000, np.float32))
            split = np.where(np.arange(1000) % 10 == 0, 1, 0).astype(np.uint8)
            writer.append({"calo": cells}, {"energy": rng.random(1000).astype(np.float32)}, split)
    assert path.stat().st_size > BOUND_MB << 20
    words = [
        sys.executable,
        "-c",
        MEMORY,
        str(Path(__file__).parents[1] / "helpers"),
        str(path),
        str(tmp_path),
    ]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    before, peak = map(int, done.stdout.split())
    print(before, peak)
    assert peak - before < BOUND_MB, f"{before} MB before, {peak} MB at most"
