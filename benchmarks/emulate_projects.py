"""The emulator against float PyTorch and onnxruntime, of every committed project, one thread each.

    python -m benchmarks.emulate_projects                  all of them, as a Markdown table
    python -m benchmarks.emulate_projects nova smlm        some of them
    python -m benchmarks.emulate_projects --write          and into benchmarks/results/emulate_projects.json

A project is a folder of hls_projects/ with a model.onnx: none is named here. The emulator runs the integers
of that file. PyTorch runs the float network of the project's recipe, batch normalisation folded, at the best
of several batch sizes and memory layouts; onnxruntime runs what PyTorch exports of it, at the best of the
same batch sizes, and has to give PyTorch's numbers. Weights are random: speed does not depend on what is
learnt.

Events are the project's golden vectors over and over, so that what the emulator gives *in the timed run* is
compared with the integers of the trained module. All take turns in one run, and medians of processor time
count: programs beside this one disturb it little.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from benchmarks.lib.common import COMMITTED, markdown, quiet, taking_turns, timed
from benchmarks.lib.torch_batches import best_batch, cut, sizes
from levelone.files import write_text
from levelone.graph import Executor, layer_table, read_qonnx, totals
from levelone.graph.inputs import real_inputs
from levelone.quant.linear import FloatLinear
from levelone.verify import read_vectors
from levelone.zoo import read_recipe

RESULTS = Path(__file__).parent / "results" / "emulate_projects.json"
FEWEST, MOST = 256, 2048
WORK = 1.0e9
"""Multiply-accumulates of all timed events together, about."""
CLOSE = 1e-3
"""Largest difference of onnxruntime's and PyTorch's numbers, in units of the largest of them."""
HEADER = (
    "project",
    "inputs",
    "multiply-accumulates",
    "events",
    "emulator, µs per event",
    "PyTorch / emulator",
    "onnxruntime / emulator",
    "codes",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("projects", nargs="*", metavar="NAME", help="of hls_projects/; default: all of them")
    parser.add_argument("--repeat", type=int, default=5, help="timed repetitions")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--write", action="store_true", help=f"write benchmarks/results/{RESULTS.name}")
    told = parser.parse_args()
    there = committed()
    for name in told.projects:
        if name not in there:
            parser.error(f"{name}: no such project; there are {', '.join(there)}")
    if told.write and told.projects:
        parser.error("--write: what is committed is of all projects in one run")
    torch.set_num_threads(1)
    with quiet():
        found = {}
        for name in told.projects or there:
            found[name] = measure(COMMITTED / name, told.repeat)
            print(*_row(name, found[name]), sep=" | ", file=sys.stderr, flush=True)
    result = {
        "versions": {name: version(name) for name in ("numpy", "torch", "onnxruntime")},
        "threads": 1,
        "repeat": told.repeat,
        "load": round(os.getloadavg()[2], 1),
        "projects": found,
    }
    if told.write:
        write_text(RESULTS, json.dumps(result, indent=1) + "\n")
    print(json.dumps(result) if told.json else table(result))


def committed() -> list[str]:
    """Names of the projects that hold a model."""
    return sorted(path.parent.name for path in COMMITTED.glob("*/model.onnx"))


def table(result: Mapping[str, Any]) -> str:
    """The Markdown table of a result."""
    rows = [HEADER, ("---", "---", *["---:"] * (len(HEADER) - 3), "---")]
    rows += [_row(name, found) for name, found in result["projects"].items()]
    return markdown(rows)


def _row(name: str, found: Mapping[str, Any]) -> tuple[str, ...]:
    inputs = ", ".join("x".join(map(str, shape)) for shape in found["inputs"].values())
    cost, own = f"{found['macs']:,}", f"{found['us']['emulator']:.3g}"
    ratios = (f"{found['us'][other] / found['us']['emulator']:.2f}" for other in ("torch", "onnxruntime"))
    return (name, inputs, cost, f"{found['events']:,}", own, *ratios, f"equal, {found['golden']} vectors")


def measure(project: Path, repeat: int) -> dict[str, Any]:
    """One project: microseconds of processor time per event, and what was measured.

    Raises
    ------
    SystemExit
        If the emulator's codes are not those of the golden vectors, or onnxruntime's numbers not PyTorch's.
    """
    system, recipe = read_recipe(project / "recipe.toml")
    graph = read_qonnx(project / "model.onnx")
    golden = read_vectors(project / "vectors.h5", graph)
    cost = totals(layer_table(graph))["macs"]
    events = int(2 ** np.clip(np.round(np.log2(WORK / cost)), np.log2(FEWEST), np.log2(MOST)))
    # codes of inputs fit 16 bits; wider arrays would only cost memory traffic
    codes = {name: _over(array, events).astype(np.int16) for name, array in golden.inputs.items()}
    executor = Executor(graph, threads=1)
    given: dict[str, NDArray[Any]] = {}

    torch.manual_seed(1)
    twin = folded(system.build_float(recipe).eval())
    names = tuple(system.input_shapes(recipe))
    reals = real_inputs(graph, {name: array.astype(np.int64) for name, array in codes.items()})
    floats = {name: torch.from_numpy(np.ascontiguousarray(reals[name], np.float32)) for name in names}
    batch, layout = best_batch(lambda part: forward(twin, part), floats)
    parts = cut(floats, batch, layout)
    session = session_of(twin, floats)
    size = best_size(session, floats)
    pieces = [{name: x.numpy() for name, x in part.items()} for part in cut(floats, size, "channels first")]
    if not close(forward(twin, parts[0]), session.run(None, pieces[0])):
        raise SystemExit(f"{project.name}: onnxruntime's numbers are not PyTorch's: times mean nothing")

    def emulate() -> None:
        given.update(executor.run(codes))

    taken = taking_turns(
        {
            "emulator": emulate,
            "torch": lambda: [forward(twin, part) for part in parts],
            "onnxruntime": lambda: [session.run(None, piece) for piece in pieces],
        },
        repeat,
    )
    for name in graph.outputs:
        if not np.array_equal(given[name], _over(golden.layers[name], events)):
            raise SystemExit(f"{project.name}: {name} is not the trained module's: times mean nothing")
    return {
        "inputs": {name: list(shape) for name, shape in system.input_shapes(recipe).items()},
        "macs": cost,
        "events": events,
        "golden": len(golden),
        "torch_batch": f"{batch}, {layout}",
        "onnxruntime_batch": size,
        "us": {name: 1e6 * seconds.per(events).processor for name, seconds in taken.items()},
        "us_wall": {name: 1e6 * seconds.per(events).wall for name, seconds in taken.items()},
    }


def _over(array: NDArray[Any], events: int) -> NDArray[Any]:
    """The events of `array` over and over, so many."""
    return np.resize(array, (events, *array.shape[1:]))


def folded(network: nn.Module) -> nn.Module:
    """The network with every normalisation merged into the layer in front of it."""
    for module in network.modules():
        if isinstance(module, FloatLinear) and module.norm is not None:
            weight, bias = module.folded()
            linear: Any = module.linear
            linear.weight, linear.bias = nn.Parameter(weight), nn.Parameter(bias)
            module.norm = None
    return network


@torch.inference_mode()
def forward(network: nn.Module, part: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
    """All outputs of a batch."""
    found = network(*part.values())
    return found if isinstance(found, tuple) else (found,)


def session_of(network: nn.Module, floats: Mapping[str, Tensor]) -> Any:
    """The network in onnxruntime, on one thread."""
    import onnxruntime

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "float.onnx"
        some = tuple(x[:2].clone() for x in floats.values())
        axes = {name: {0: "events"} for name in floats}
        torch.onnx.export(network, some, str(path), input_names=list(floats), dynamic_axes=axes, dynamo=False)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def best_size(session: Any, floats: Mapping[str, Tensor]) -> int:
    """Batch size with which onnxruntime is fastest."""
    events = len(next(iter(floats.values())))
    found = {}
    for size in sizes(events):
        piece = {name: x[:size].numpy() for name, x in floats.items()}
        session.run(None, piece)
        found[size] = min(timed(lambda piece=piece: session.run(None, piece)).wall for _ in range(2)) / size
    return min(found, key=lambda key: found[key])


def close(ours: Sequence[Tensor], theirs: Sequence[NDArray[Any]]) -> bool:
    """Whether the first events of all outputs are the same numbers, up to float32's rounding."""
    for one, other in zip(ours, theirs, strict=True):
        count = min(len(one), len(other))
        mine = one[:count].numpy()
        if not np.abs(mine - other[:count]).max() <= CLOSE * max(np.abs(mine).max(), 1e-30):
            return False
    return True


if __name__ == "__main__":
    main()
