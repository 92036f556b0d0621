"""Energy resolution of a trained lcd network on many fresh events, equally many in each part of the spectrum.

    python -m benchmarks.lcd_resolution hls_projects/lcd --train lcd-50k.h5 --events 6000 --seed 101 --write
    python -m benchmarks.lcd_resolution hls_projects/lcd --train lcd-50k.h5 --electrons --write

A run measures on its own test events, a tenth of the file and few at low energy; the fit of three terms needs
more. The network is the quantised module of a project folder; no event of its training is used. Beside it the
plain sum of all cells, which knows no calibration, and sums calibrated on the training events of ``--train``.
With ``--electrons`` all events are electrons: four times as many say how wide the energy is.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from functools import partial
from pathlib import Path

import numpy as np

from levelone.files import sha256, write_text
from levelone.pipeline.results_page import FIGURES
from levelone.simulate.lcd.generator import simulate_lcd
from levelone.simulate.lcd.section import LcdGenerate
from levelone.train.measurement import measure, predictor
from levelone.zoo.kit.events import SPLITS, Events, Outputs
from levelone.zoo.kit.meter import PerEvent
from levelone.zoo.lcd import SYSTEM as LCD
from levelone.zoo.lcd.baselines import fit_sums
from levelone.zoo.lcd.features import sums
from levelone.zoo.lcd.results import SUMS, figures
from levelone.zoo.lcd.section import UNIT_GEV

COMMAND = "python -m benchmarks.lcd_resolution"


def main() -> None:
    """Print figures of every particle, of the network and of the sum of cells."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("project", type=Path)
    parser.add_argument("--train", type=Path, required=True, help="events of the network's training")
    parser.add_argument("--events", type=int, default=6000)
    parser.add_argument("--electrons", action="store_true", help="simulate electrons alone")
    parser.add_argument("--seed", type=int, default=101)
    parser.add_argument("--json", action="store_true", help="print one JSON object on one line")
    parser.add_argument(
        "--write", action="store_true", help="write PROJECT/resolution.json (or electrons.json), too"
    )
    given = parser.parse_args()
    recipe = LCD.read_recipe(given.project / "recipe.toml")
    network = predictor(LCD, LCD.load_module(recipe, given.project / "module.pt"))
    calibrated = fit_sums(LCD.source(recipe, given.train, "train"))
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "events.h5"
        options = LcdGenerate(events=given.events, seed=given.seed, spectrum="log")
        if given.electrons:
            options = options.model_copy(update={"particles": ("electron",)})
        simulate_lcd(data, options)
        models = {"network": network, "sum of cells": _sum_of_cells, SUMS: calibrated}
        meter = PerEvent(partial(figures, seed=given.seed))
        for split in SPLITS:
            measure(models, LCD.source(recipe, data, split).batches(256), meter)
    found = meter.result()
    print(json.dumps(found, indent=None if given.json else 1))
    if given.write:
        name, kind = ("electrons", "electrons") if given.electrons else ("resolution", "events")
        document = {
            "schema": FIGURES,
            "title": f"Energy resolution on {given.events:,} fresh {kind}, flat in ln E",
            "command": f"{COMMAND} hls_projects/lcd --train {given.train.name} "
            f"--events {given.events} --seed {given.seed}{' --electrons' * given.electrons} --write",
            "model": sha256(given.project / "model.onnx"),
            "metrics": found,
        }
        write_text(given.project / f"{name}.json", json.dumps(document, indent=1) + "\n")


def _sum_of_cells(events: Events) -> Outputs:
    return {"energy": (sums(events)[:, :3].sum(1, keepdims=True) / UNIT_GEV).astype(np.float32)}


if __name__ == "__main__":
    main()
