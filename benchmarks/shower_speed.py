"""Showers per second of processor time: a generator's emulator against the simulation that it imitates.

The emulator computes the firmware's integers from random ones (drawing them is counted), and energies of
cells are what comes out; ``torch`` is the float network of the same architecture. The simulation makes
the same particles, without writing a file. Geant4 makes a few of them where it is installed.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from benchmarks.lib.common import COMMITTED, quiet, taking_turns
from levelone.graph import Executor, execute, quantise_inputs, read_qonnx
from levelone.simulate.lcd.detector import calorimeter
from levelone.simulate.lcd.generator import draw, generate
from levelone.simulate.lcd.section import ShowerGenerate
from levelone.zoo import read_recipe
from levelone.zoo.showergan.cells import asked, energies
from levelone.zoo.showergan.section import ShowerGanModel

BATCH = 256
"""Showers that the float network makes at once."""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--project", type=Path, default=COMMITTED / "showergan", help="folder of a project")
    parser.add_argument("--events", type=int, default=4096, help="showers of the networks")
    parser.add_argument("--simulated", type=int, default=256, help="showers of the simulation")
    parser.add_argument("--geant4", type=int, default=0, help="showers of Geant4; 0: none")
    parser.add_argument("--repeat", type=int, default=3, help="timed repetitions")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    told = parser.parse_args()
    if told.events < BATCH:
        parser.error(f"--events {told.events}: the float network takes {BATCH} at once")
    if told.geant4 and not find_spec("geant4_pybind"):
        parser.error(f"--geant4 {told.geant4}: Geant4 is not installed (extra geant4)")
    with quiet():
        found = measure(told)
    print(json.dumps(found) if told.json else "\n".join(f"{k:24s} {v:,.1f}" for k, v in found.items()))


def measure(told: argparse.Namespace) -> dict[str, float]:
    """Showers per second of processor time, and how often the emulator makes one meanwhile."""
    system, recipe = read_recipe(told.project / "recipe.toml")
    graph = read_qonnx(told.project / "model.onnx")
    shapes = system.input_shapes(recipe)
    executor, twin = Executor(graph, threads=1), system.build_float(recipe).eval()
    torch.set_num_threads(1)
    rng = np.random.default_rng(1)
    options, calo = ShowerGenerate(), calorimeter()
    (output,) = graph.outputs
    scale = float(graph.values[output].scale[0])
    threshold = ShowerGanModel.model_validate(recipe.model).threshold_mip

    def inputs(count: int) -> dict[str, Any]:
        particle, energy = draw(options, count, rng)
        random = {
            name: rng.standard_normal((count, *shape), np.float32)
            for name, shape in shapes.items()
            if name != "condition"
        }
        return {"condition": asked(energy, particle), **random}

    def emulate() -> Any:
        codes = executor.run(quantise_inputs(graph, inputs(told.events)))[output]
        return energies(codes.astype(np.float32) * np.float32(scale), threshold)

    def network() -> Any:
        with torch.no_grad():
            return [twin(*map(torch.from_numpy, inputs(BATCH).values())) for _ in range(told.events // BATCH)]

    def simulate() -> Any:
        return generate(*draw(options, told.simulated, rng), calo, rng, options)

    some = quantise_inputs(graph, inputs(32))
    if not np.array_equal(executor.run(some)[output], execute(graph, some)[output]):
        raise SystemExit("emulator and reference differ: the times mean nothing")
    works: dict[str, Callable[[], Any]] = {"emulator": emulate, "torch": network, "simulation": simulate}
    counts = {"emulator": told.events, "torch": told.events // BATCH * BATCH, "simulation": told.simulated}
    taken = taking_turns(works, told.repeat)
    rates = {name: 1 / seconds.per(counts[name]).processor for name, seconds in taken.items()}
    if told.geant4:
        rates["geant4"] = geant4(system, told.geant4)
    ratios = {f"emulator_over_{k}": rates["emulator"] / v for k, v in rates.items() if k != "emulator"}
    return rates | ratios


def geant4(system: Any, events: int) -> float:
    """The same of Geant4, with its file: its time per shower is far larger than that."""
    options = ShowerGenerate(events=events, engine="geant4")
    with TemporaryDirectory() as folder:
        work = {"geant4": lambda: system.generator.make(Path(folder) / "events.h5", options)}
        taken = taking_turns(work, 1)
    return 1 / taken["geant4"].per(events).processor


if __name__ == "__main__":
    main()
