"""A committed network and its system's classical methods on events of another simulation than the training's.

    python -m benchmarks.other_events hls_projects/next --train own.h5 --events geant4.h5 --write geant4

Baselines and leak control learn from the training events of ``--train``; give the file that the network was
trained on, or another of the same recipe. All are then measured on its test events, and on every event of the
other file. What is lost between the two is the price of the simulation that one trains on.
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
from levelone.pipeline.results_page import FIGURES
from levelone.train.measurement import measure, predictor
from levelone.zoo import find_system
from levelone.zoo.kit.control import CONTROL
from levelone.zoo.kit.events import SPLITS, Predictor

COMMAND = "python -m benchmarks.other_events"
_BATCH = 256


def main() -> None:
    """Print figures of all models on both kinds of events."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("project", type=Path)
    parser.add_argument("--train", type=Path, required=True, help="events that classical methods learn from")
    parser.add_argument("--events", type=Path, required=True, help="events of another simulation")
    parser.add_argument("--json", action="store_true", help="print one JSON object on one line")
    parser.add_argument("--write", metavar="NAME", help="write PROJECT/NAME.json and NAME-own.json, too")
    given = parser.parse_args()
    found = figures(given.project, given.train, given.events)
    print(json.dumps(found, indent=None if given.json else 1))
    if given.write:
        for name, part in (("", "other"), ("-own", "own")):
            document = {
                "schema": FIGURES,
                "title": found[part]["title"],
                "command": f"{COMMAND} hls_projects/{given.project.name} --train {given.train.name} "
                f"--events {given.events.name} --write {given.write}",
                "model": sha256(given.project / "model.onnx"),
                "metrics": found[part]["metrics"],
            }
            write_text(given.project / f"{given.write}{name}.json", json.dumps(document, indent=1) + "\n")


def figures(project: Path, train: Path, events: Path) -> dict[str, Any]:
    """Of "other" (all of `events`) and "own" (test events of `train`): a title, and metrics of all models.

    Raises
    ------
    LeveloneError
        If a file is missing, or `events` is `train`.
    """
    if sha256(train) == sha256(events):
        raise LeveloneError(f"{events} is the file of the training", hint="name events of another simulation")
    system = find_system(project.name)
    recipe = system.read_recipe(project / "recipe.toml")
    learned = system.source(recipe, train, "train", recipe.data.max_train)
    models: dict[str, Predictor] = {
        "quantised": predictor(system, system.load_module(recipe, project / "module.pt")),
        **system.fit_baselines(recipe, learned),
    }
    control = system.leak_control(recipe, learned)
    if control is not None:
        models[CONTROL] = control.predictor
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
    return f"{by}, seed {provenance.get('seed')}"


if __name__ == "__main__":
    run_and_exit(main)
