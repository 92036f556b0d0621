"""Neutrinos whose electrons, photons and muons Geant4 transports, and whose hadrons the parametrisation does.

    python -m benchmarks.nova_geant4 --events 4000 --seed 43 -o geant4.h5
    python -m benchmarks.other_events hls_projects/nova --train events.h5 --events geant4.h5 --write geant4

For machines without Geant4's data sets, on which it cannot transport hadrons. With them,
``levelone simulate nova --set generate.engine=geant4`` lets Geant4 transport everything.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np

from levelone.exits import run_and_exit
from levelone.simulate.geant4 import nova
from levelone.simulate.geant4.running import started
from levelone.simulate.nova.generator import CHUNK, pass_through, simulate_nova
from levelone.simulate.nova.section import NovaGenerate
from levelone.simulate.passage.particles import Deposits, Particles, join, take


def by_both(particles: Particles, rng: np.random.Generator) -> Deposits:
    """What particles of events 0, 1, ... leave; in a process that can load Geant4."""
    hadrons = np.isin(particles.kind, nova.HADRONS)
    return join(
        [nova.pass_through(take(particles, ~hadrons), rng), pass_through(take(particles, hadrons), rng)]
    )


def main() -> None:
    """Write the events, and print a summary."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--events", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--json", action="store_true", help="print one JSON object on one line")
    given = parser.parse_args()
    options = NovaGenerate(events=given.events, seed=given.seed, engine="geant4")
    with started(nova.Scintillator, -(-given.events // CHUNK)) as (pool, facts):
        summary = simulate_nova(
            given.output,
            options,
            lambda done, of: print(f"{done:,} of {of:,} events", file=sys.stderr),
            transport=by_both,
            each=pool.map,
            engine={"engine": "geant4", "geant4": {**facts, "hadrons": "parametrised"}},
        )
    print(json.dumps(asdict(summary), indent=None if given.json else 1))


if __name__ == "__main__":
    run_and_exit(main)
