"""Parametrised generators beside Geant4: what a person would compute of the events of both.

With --write the events of Geant4 are made (minutes to an hour; needs the extra geant4) and their
distributions kept in benchmarks/results/generator_references.json; without, events of the parametrised
generators are compared with what is kept there, and the table of docs/generators.md is printed.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any

from levelone.data.voxels import open_voxels
from levelone.files import parse_json, write_text
from levelone.simulate.geant4.running import started
from levelone.simulate.summaries import (
    Comparison,
    Distribution,
    Placed,
    Sample,
    compare,
    distributions,
    placed,
)
from levelone.zoo import find_system

RESULTS = Path(__file__).parent / "results" / "generator_references.json"

Distributions = dict[str, dict[str, Distribution]]
Made = tuple[Distributions, dict[str, Any]]
Number = Callable[[Sample], int]


def from_files(system: str, engine: str, number: Number, seed: int) -> Made:
    """Distributions of event files, and what the last one says."""
    summary = summary_of(system)
    generator, found, facts = find_system(system).generator, {}, {}
    with tempfile.TemporaryDirectory() as folder:
        for sample in summary.SAMPLES:
            path = Path(folder) / "events.h5"
            told = generator.section(events=number(sample), seed=seed, engine=engine, **sample.told)
            generator.make(path, told, lambda done, of: print(f"{system} {done} of {of}", file=sys.stderr))
            with open_voxels(path) as file:
                found.update(distributions(summary.summarise(file), summary.QUANTITIES))
                facts = file.provenance
    return found, facts


def from_particles(system: str, engine: str, number: Number, seed: int) -> Made:
    """Distributions of single particles, and what is to be said of Geant4."""
    summary = summary_of(system)
    gun = import_module(f"levelone.simulate.{system}.gun")

    def fired(**how: Any) -> Distributions:
        found = {}
        for sample in summary.SAMPLES:
            print(f"{system} {sample.told}", file=sys.stderr)
            chunks = gun.fire(**sample.told, events=number(sample), seed=seed, **how)
            found.update(distributions(summary.summarise(chunks, **sample.told), summary.QUANTITIES))
        return found

    if engine != "geant4":
        return fired(), {}
    geant4 = import_module(f"levelone.simulate.geant4.{system}")
    with started(getattr(geant4, SHOT_AT[system]), max(map(number, summary.SAMPLES))) as (pool, facts):
        return fired(transport=geant4.pass_through, each=pool.map), {"geant4": facts}


SYSTEMS = {
    "next": from_files,
    "lcd": from_files,
    "muon": from_files,
    "nova": from_particles,
    "pixelseed": from_particles,
}
SHOT_AT = {"nova": "Scintillator", "pixelseed": "Sensors"}
"""Geant4's detector of systems whose single particles are compared."""


def summary_of(system: str) -> Any:
    """The module that says what is compared."""
    return import_module(f"levelone.simulate.{system}.summary")


def kept() -> dict[str, Any]:
    """What is committed; a system per key."""
    return parse_json(RESULTS.read_text()) if RESULTS.is_file() else {}


def reference(system: str) -> Distributions:
    """Distributions of Geant4's events."""
    return {
        kind: {name: Distribution(**{**d, "counts": tuple(d["counts"])}) for name, d in values.items()}
        for kind, values in kept()[system]["kinds"].items()
    }


def compared(system: str, events: int | None = None, seed: int = 1) -> list[Comparison | Placed]:
    """The parametrised generator of a system beside Geant4."""
    model, _ = SYSTEMS[system](system, "parametrised", lambda sample: events or sample.quick, seed)
    geant4, summary = reference(system), summary_of(system)
    landmarks = placed(model, geant4, summary.QUANTITIES, getattr(summary, "LANDMARKS", ()))
    return [*compare(model, geant4, summary.QUANTITIES), *landmarks]


def write(system: str) -> None:
    """Make Geant4's events of a system and keep their distributions."""
    found, facts = SYSTEMS[system](system, "geant4", lambda sample: sample.geant4, 1)
    kinds = {kind: {name: asdict(d) for name, d in values.items()} for kind, values in found.items()}
    entry = {"command": command(system), "geant4": facts["geant4"], "kinds": kinds}
    text = json.dumps({**kept(), system: entry}, indent=1)
    write_text(RESULTS, re.sub(r"\n {5,}|\n {4}(?=[]}])", " ", text) + "\n")


def command(system: str) -> str:
    return f"python -m benchmarks.generator_references --write --only {system}"


def row(c: Comparison | Placed) -> str:
    unit = f" {c.quantity.unit}" if c.quantity.unit else ""
    values = " | ".join(f"{value:.4g} ± {error:.2g}{unit}" for value, error in sides(c))
    exceeded = "" if c.agrees else " (exceeded)"
    if isinstance(c, Placed):
        what = f"{c.quantity.what}, {c.landmark.what}"
        verdict = f"{100 * c.distance:+.1f} % | {100 * c.allowed:.1f} %{exceeded}"
    else:
        what = c.quantity.what
        verdict = f"{c.distance:.3f} | {c.allowed:.3f}{exceeded}"
    return f"| {c.kind} | {what} | {values} | {verdict} |"


def sides(c: Comparison | Placed) -> tuple[tuple[float, float], tuple[float, float]]:
    """Value and standard error by the model, and by Geant4."""
    if isinstance(c, Placed):
        return c.model, c.geant4
    return (c.model.mean, c.model.error), (c.geant4.mean, c.geant4.error)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--write", action="store_true", help="make the events of Geant4 and keep the result")
    parser.add_argument("--only", choices=SYSTEMS, action="append")
    parser.add_argument("--events", type=int, help="parametrised events per sample, instead of a test's")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    if options.write:
        for system in options.only or SYSTEMS:
            write(system)
        return
    found = {system: compared(system, options.events) for system in options.only or tuple(kept())}
    if options.json:
        print(json.dumps({name: [as_json(c) for c in rows] for name, rows in found.items()}))
        return
    print("| events | quantity | parametrised | Geant4 | distance | allowed |\n|---|---|---|---|---|---|")
    for name, rows in found.items():
        for c in rows:
            print(row(c).replace("| ", f"| {name}, ", 1))


def as_json(c: Comparison | Placed) -> dict[str, Any]:
    model, geant4 = sides(c)
    spread = {} if isinstance(c, Placed) else {"deviations": [c.model.deviation, c.geant4.deviation]}
    return {
        "kind": c.kind,
        "quantity": c.name,
        "parametrised": list(model),
        "geant4": list(geant4),
        **spread,
        "distance": c.distance,
        "allowed": c.allowed,
        "agrees": c.agrees,
    }


if __name__ == "__main__":
    main()
