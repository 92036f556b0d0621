"""How narrow the energy of electrons gets when what the lcd network weighs is weighed by least squares.

    python -m benchmarks.lcd_energy_limit hls_projects/lcd --events lcd-240k.h5

The compact network corrects its sum of cells by energies of layers, the HCAL's energy, clipped sums, and
what `correction` units make of them. Here least squares on electrons weigh these, with bends in the energy
seen in the place of the units, so that no training can be what is wanting; what they say of a fifth of the
file's electrons they learned from the other four. Printed are widths over those of calibrated sums, of the
committed network and of the least squares, on all electrons of the file. The network and the sums have
learned from most of them: from so many that this makes next to no difference to so few weights.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.lib.common import markdown
from levelone.train.batches import as_batch
from levelone.train.measurement import predictor
from levelone.zoo.kit.events import SPLITS
from levelone.zoo.lcd import SYSTEM as LCD
from levelone.zoo.lcd.baselines import electrons_of, fit_sums
from levelone.zoo.lcd.compact import SumsNetwork
from levelone.zoo.lcd.results import SUMS, electron_gain
from levelone.zoo.lcd.section import ELECTRON, GRIDS, UNIT_GEV

Floats = NDArray[np.float64]
FOLDS = 5
BENDS_GEV = np.geomspace(11.0, 150.0, 16)
"""Energies seen at which weights may change."""
_RIDGE = 1e-6
"""Of the mean square of each column: enough for columns that are nearly sums of others."""
_SUMMED = GRIDS["ecal"][2] + 1
"""The first columns that the correction is told: layers of the ECAL, and the HCAL."""


def main() -> None:
    """Print widths of electrons over those of calibrated sums."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("project", type=Path)
    parser.add_argument("--events", type=Path, required=True, help="events of the network's training")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args()
    recipe = LCD.read_recipe(given.project / "recipe.toml")
    module = LCD.load_module(recipe, given.project / "module.pt")
    sums_network = cast(SumsNetwork, module)
    network, calibrated = predictor(LCD, module), fit_sums(LCD.source(recipe, given.events, "train"))
    columns, totals, energies = [], [], []
    answers: dict[str, list[NDArray[np.float32]]] = {SUMS: [], "network": []}
    for split in SPLITS:
        for events in LCD.source(recipe, given.events, split).batches(256):
            electrons = electrons_of(events)
            if not len(electrons):
                continue
            with torch.no_grad():
                front = sums_network.front(*as_batch(electrons)[0])
            columns.append(front["told"].double().numpy())
            totals.append(front["total"].double().numpy().reshape(-1))
            energies.append(electrons.truth["energy"].astype(np.float64))
            answers[SUMS].append(calibrated(electrons)["energy"])
            answers["network"].append(network(electrons)["energy"])
    told, total, energy = (np.concatenate(parts) for parts in (columns, totals, energies))
    best = total + cross_fitted(bent(told), energy / UNIT_GEV - total, UNIT_GEV / energy, given.seed)
    answers["least squares"] = [best.astype(np.float32)[:, None]]
    found = {name: {"energy": np.concatenate(parts)} for name, parts in answers.items()}
    truth = {"energy": energy, "particle": np.full(len(energy), ELECTRON)}
    gain = electron_gain(found, truth, given.seed)
    if given.json:
        print(json.dumps({"electrons": len(energy), **gain}))
        return
    print(f"{len(energy):,} electrons")
    rows = [("GeV", *gain["models"]), ("---:",) * (1 + len(gain["models"]))]
    for number, mean in enumerate(gain["energy"]):
        widths = (f"{m['ratio'][number]:.3f} ± {m['error'][number]:.3f}" for m in gain["models"].values())
        rows.append((f"{mean:.0f}", *widths))
    print(markdown(rows))


def bent(told: Floats) -> Floats:
    """What the correction is told, [n, 36], and behind it how far the energy seen is below each bend."""
    seen = told[:, :_SUMMED].sum(1, keepdims=True)
    return np.concatenate([told, np.maximum(BENDS_GEV / UNIT_GEV - seen, 0)], axis=1)


def cross_fitted(columns: Floats, wanted: Floats, weight: Floats, seed: int) -> Floats:
    """What least squares say of each event, [n], that learned from the folds in which it is not.

    Parameters
    ----------
    columns, wanted, weight
        [n, k], [n] and [n]: an offset is fitted, too.
    """
    fold = np.random.default_rng(seed).integers(0, FOLDS, len(wanted))
    size = np.sqrt(np.average(columns**2, axis=0, weights=weight))
    size[size == 0] = 1
    scaled = np.concatenate([columns / size, np.ones((len(columns), 1))], axis=1)
    answer = np.zeros(len(wanted))
    for number in range(FOLDS):
        learn = fold != number
        loaded = scaled[learn] * weight[learn, None]
        square = scaled[learn].T @ loaded
        slopes = np.arange(columns.shape[1])
        square[slopes, slopes] += _RIDGE * weight[learn].sum()
        answer[~learn] = scaled[~learn] @ np.linalg.solve(square, loaded.T @ wanted[learn])
    return answer


if __name__ == "__main__":
    main()
