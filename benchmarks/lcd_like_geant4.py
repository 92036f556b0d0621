"""What lcd loses on Geant4's events, and not for other kinds and energies: its test events like Geant4's.

    python -m benchmarks.lcd_like_geant4 runs/lcd --events lcd-geant4.h5 --write hls_projects/lcd

Geant4's file has fewer kinds and a narrower range of energies than the file of the training. Of the test
events of a finished run, whose answers `scores.npz` keeps for every model, those of the same kinds and the
same range are measured again; both files are flat in the logarithm of the energy. Nothing is simulated or
fitted.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.errors import LeveloneError
from levelone.exits import run_and_exit
from levelone.files import sha256, write_text
from levelone.pipeline.job import Job, open_run
from levelone.pipeline.results_page import FIGURES, LIKE
from levelone.report.content import read_kept
from levelone.simulate.lcd.section import PARTICLES
from levelone.zoo.kit.meter import Truth, split_kept
from levelone.zoo.lcd import SYSTEM as LCD
from levelone.zoo.lcd.results import figures

COMMAND = "python -m benchmarks.lcd_like_geant4"


def main() -> None:
    """Print the figures, and write them where they are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("run", type=Path, help="a finished run of lcd")
    parser.add_argument("--events", type=Path, required=True, help="Geant4's events")
    parser.add_argument("--json", action="store_true", help="print one JSON object on one line")
    parser.add_argument("--write", type=Path, metavar="PROJECT", help=f"write PROJECT/{LIKE}.json, too")
    given = parser.parse_args()
    found = like(open_run(given.run), LCD.provenance(given.events))
    print(json.dumps(found, indent=None if given.json else 1))
    if given.write:
        command = f"{COMMAND} runs/lcd --events {given.events.name} --write hls_projects/lcd"
        model = {"model": sha256(given.run / "model.onnx")}
        document = {"schema": FIGURES, **found, "command": command, **model}
        write_text(given.write / f"{LIKE}.json", json.dumps(document, indent=1) + "\n")


def like(job: Job, other: Mapping[str, Any]) -> dict[str, Any]:
    """Title and metrics of the test events of a run that are of the kinds and energies of `other`.

    Parameters
    ----------
    other
        Provenance of the other file.

    Raises
    ------
    LeveloneError
        If the run is not finished, or its events have another spectrum.
    """
    kept = read_kept(job.path("scores.npz"))
    if kept is None:
        raise LeveloneError(f"{job.folder}: the run is not finished", hint="levelone run lcd")
    ours = job.system.provenance(job.data)["spectrum"]
    if ours != other["spectrum"]:
        raise LeveloneError(f"the run's events are {ours} in energy, the others {other['spectrum']}")
    predictions, truth = split_kept(kept)
    chosen = alike(truth, other)
    metrics = figures(
        {model: {name: a[chosen] for name, a in outputs.items()} for model, outputs in predictions.items()},
        {column: values[chosen] for column, values in truth.items()},
        seed=job.recipe.seed,
    )
    low, high = other["energy_gev"]
    title = (
        f"On the {np.count_nonzero(chosen):,} test events like Geant4's: {', '.join(other['particles'])} of "
        f"{low:g} to {high:g} GeV"
    )
    return {"title": title, "metrics": metrics}


def alike(truth: Truth, other: Mapping[str, Any]) -> NDArray[np.bool_]:
    """Which events are of the particles and in the range of energies of `other`."""
    low, high = other["energy_gev"]
    kinds = [PARTICLES.index(name) for name in other["particles"]]
    inside = (truth["energy"] >= low) & (truth["energy"] <= high)
    return np.asarray(np.isin(truth["particle"], kinds) & inside)


if __name__ == "__main__":
    run_and_exit(main)
