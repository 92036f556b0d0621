"""Trained networks and their system's classical methods on events of another simulation than the training's.

    python -m benchmarks.other_events hls_projects/next --train own.h5 --events geant4.h5 --write geant4
    python -m benchmarks.other_events runs/next --events geant4.h5

Of a committed network baselines and leak control learn from the training events of ``--train``; give the
file that the network was trained on, or another of the same recipe. Of a finished run they learn from its own
events again, and its float network and rivals are measured, too. All are then measured on the test events of
that file, and on every event of the other one. What is lost between the two is the price of the simulation
that one trains on.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from levelone.errors import LeveloneError
from levelone.exits import run_and_exit
from levelone.files import sha256, write_text
from levelone.pipeline.job import open_run
from levelone.pipeline.results_page import FIGURES
from levelone.train.measurement import fitted, measure, networks, predictors
from levelone.zoo import find_system
from levelone.zoo.kit.events import SPLITS

COMMAND = "python -m benchmarks.other_events"
_BATCH = 256


def main() -> None:
    """Print figures of all models on both kinds of events."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path, help="a committed project, or a finished run")
    parser.add_argument("--train", type=Path, help="events that a project's classical methods learn from")
    parser.add_argument("--events", type=Path, required=True, help="events of another simulation")
    parser.add_argument("--json", action="store_true", help="print one JSON object on one line")
    parser.add_argument("--write", metavar="NAME", help="write FOLDER/NAME.json and NAME-own.json, too")
    given = parser.parse_args()
    if given.write and given.train is None:
        parser.error("--write is for a committed project, whose training events --train names")
    found = figures(given.folder, given.train, given.events)
    print(json.dumps(found, indent=None if given.json else 1))
    if given.write:
        for name, part in (("", "other"), ("-own", "own")):
            document = {
                "schema": FIGURES,
                "title": found[part]["title"],
                "command": f"{COMMAND} hls_projects/{given.folder.name} --train {given.train.name} "
                f"--events {given.events.name} --write {given.write}",
                "model": sha256(given.folder / "model.onnx"),
                "metrics": found[part]["metrics"],
            }
            write_text(given.folder / f"{given.write}{name}.json", json.dumps(document, indent=1) + "\n")


def figures(folder: Path, train: Path | None, events: Path) -> dict[str, Any]:
    """Of "other" (all of `events`) and "own" (test events of `train`): a title, and metrics of all models.

    Parameters
    ----------
    folder
        A committed project; without `train` a finished run, and `train` is the file that it learned from.

    Raises
    ------
    LeveloneError
        If a file is missing, or `events` is `train`.
    """
    if train is None:
        job = open_run(folder)
        system, recipe, train = job.system, job.recipe, job.data
        trained = networks(system, recipe, folder)
    else:
        system = find_system(folder.name)
        recipe = system.read_recipe(folder / "recipe.toml")
        trained = {"quantised": system.load_module(recipe, folder / "module.pt")}
    if sha256(train) == sha256(events):
        raise LeveloneError(f"{events} is the file of the training", hint="name events of another simulation")
    learned = system.source(recipe, train, "train", recipe.data.max_train)
    others, _ = fitted(system, recipe, learned)
    models = predictors(system, recipe, trained) | others
    found = {}
    for part, path, splits in (("other", events, SPLITS), ("own", train, ("test",))):
        meter = system.meter(recipe, learned)
        count = 0
        for split in splits:
            source = system.source(recipe, path, split)
            count += len(source)
            measure(models, source.batches(_BATCH), meter)
        title = f"On {count:,} events by {_made(system.provenance(path))}"
        found[part] = {"title": title, "metrics": meter.result()}
    return found


def _made(provenance: Mapping[str, Any]) -> str:
    engine = provenance.get("geant4")
    by = "the parametrisation" if engine is None else f"Geant4 ({engine['version']})"
    if engine and engine.get("hadrons") == "parametrised":
        by += ", hadrons by the parametrisation"
    return f"{by}, seed {provenance.get('seed')}"


if __name__ == "__main__":
    run_and_exit(main)
