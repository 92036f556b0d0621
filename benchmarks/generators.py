"""Events per second of CPU time of generators, one thread; of muons also without the file."""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from levelone.simulate.materials import LEAD_TUNGSTATE
from levelone.simulate.muon.generator import calorimeter, generate
from levelone.simulate.muon.tables import MuonAbsorber
from levelone.zoo import find_system

CASES: dict[str, dict[str, Any]] = {
    "bandgap": {},
    "lartpc": {},
    "lcd": {},
    "lcd, electrons": {"particles": ("electron",)},
    "muon": {},
    "next": {},
    "nova": {},
    "smlm": {},
}
"""What is measured: a system, and what its generator is told."""


def with_file(case: str, events: int, repeat: int) -> float:
    """Best rate of `repeat` runs of the generator, everything included."""
    generator = find_system(case.partition(",")[0]).generator
    best = 0.0
    with tempfile.TemporaryDirectory() as folder:
        for number in range(repeat):
            start = time.process_time()
            told = generator.section(events=events, seed=number + 1, **CASES[case])
            generator.make(Path(folder) / "events.h5", told)
            best = max(best, events / (time.process_time() - start))
    return best


def muons_alone(events: int, repeat: int, chunk: int = 128) -> float:
    """Best rate of muons without tables and file."""
    absorber, calo = MuonAbsorber.build(LEAD_TUNGSTATE), calorimeter()
    best = 0.0
    for number in range(repeat):
        rng = np.random.default_rng(number)
        start = time.process_time()
        for _ in range(events // chunk):
            generate(rng.uniform(50, 8000, chunk), absorber, calo, rng)
        best = max(best, events // chunk * chunk / (time.process_time() - start))
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--events", type=int, default=4096)
    parser.add_argument("--repeat", type=int, default=3, help="runs, of which the best counts")
    parser.add_argument("--only", choices=tuple(CASES), action="append")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    rates = {name: with_file(name, options.events, options.repeat) for name in (options.only or tuple(CASES))}
    if "muon" in rates:
        rates["muon, without file"] = muons_alone(options.events, options.repeat)
    if options.json:
        print(json.dumps(rates))
        return
    for name, rate in rates.items():
        print(f"{name:20s} {rate:8.0f} events per second of CPU time")


if __name__ == "__main__":
    main()
