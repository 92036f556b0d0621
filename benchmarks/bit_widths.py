"""Where quantising a trained network costs most: its float twin with one quantiser at a time.

    python -m benchmarks.bit_widths runs/pixelseed

Of a finished run, without training. Each row is the validation loss with one kind of number at the recipe's
width, and at one bit more, less the float twin's; all others have 16 bits. Training wins back part of it: the
rows say where bits are short, not what the trained network loses.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn

from levelone.exits import run_and_exit
from levelone.pipeline.job import open_run
from levelone.quant.calibrate import calibrate, fold_into
from levelone.quant.grids import activation_layers, linear_layers
from levelone.recipe import Bits, QuantSection, Recipe
from levelone.train.batches import Feed
from levelone.train.objective import SystemObjective
from levelone.train.pipeline import calibration_events, feed_of, float_twin
from levelone.zoo.kit.system import System

WIDE = 16


def main() -> None:
    """Print the rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("run", type=Path, help="folder of a finished run")
    parser.add_argument("--json", action="store_true", help="print one JSON object on one line")
    given = parser.parse_args()
    torch.set_num_threads(1)
    job = open_run(given.run)
    rows = measured(job.system, job.recipe, job.data, job.folder)
    if given.json:
        print(json.dumps(rows))
        return
    print(f"{'':28} bits     loss   one bit more")
    for row in rows["rows"]:
        print(f"{row['what']:28} {row['bits']:4} {row['loss']:+8.5f}       {row['one_more']:+8.5f}")
    print(f"float twin: {rows['float']:.5f}; all of these widths at once: {rows['all']:+.5f}")


def measured(system: System, recipe: Recipe, data: Path, folder: Path) -> dict[str, Any]:
    """Loss ``float``; less it, ``all`` and ``rows`` of ``what``, ``bits``, ``loss``, ``one_more``."""
    feed = feed_of(system, recipe, data, "validation")
    objective = SystemObjective(system, recipe)
    twin = float_twin(system, recipe, folder)
    told = loss(twin, feed, objective)

    def lost(quant: QuantSection) -> float:
        network = quantised(system, recipe, quant, twin)
        calibrate(network, feed.first(calibration_events(feed)))
        network.eval()
        return loss(network, feed, objective) - told

    rows = []
    none = widths(quantised(system, recipe, wide(system, recipe), twin))
    for what, bits in quantisers(system, recipe):
        if widths(quantised(system, recipe, wide(system, recipe, {what: bits}), twin)) == none:
            continue  # a width that no quantiser of this layer has
        least, one_more = (lost(wide(system, recipe, {what: n})) for n in (bits, bits + 1))
        rows.append({"what": what, "bits": bits, "loss": least, "one_more": one_more})
    return {"float": told, "all": lost(recipe.quant), "rows": rows}


def quantisers(system: System, recipe: Recipe) -> Iterator[tuple[str, int]]:
    """What has a width, and the recipe's."""
    yield from recipe.quant.inputs.items()
    for name in system.layer_names(recipe):
        of = recipe.quant.of(name)
        yield f"{name}.weight", of.weight
        yield f"{name}.activation", of.activation


def wide(system: System, recipe: Recipe, narrow: dict[str, int] | None = None) -> QuantSection:
    """Every width `WIDE`, but for those of `narrow`; wider weights than a recipe may ask for."""
    bits = narrow or {}
    layers = {
        name: Bits.model_construct(
            weight=bits.get(f"{name}.weight", WIDE),
            bias=24,
            activation=bits.get(f"{name}.activation", WIDE),
        )
        for name in system.layer_names(recipe)
    }
    inputs = {port: bits.get(port, WIDE) for port in recipe.quant.inputs}
    return recipe.quant.model_copy(update={"inputs": inputs, "layers": layers})


def quantised(system: System, recipe: Recipe, quant: QuantSection, twin: nn.Module) -> nn.Module:
    """The network with the float twin's weights."""
    network = system.build_quantised(recipe.model_copy(update={"quant": quant}))
    fold_into(twin, network)
    return network


def widths(network: nn.Module) -> list[int]:
    """Bits of every quantiser of weights and activations."""
    weights: list[Any] = [layer.weight_quant for layer in linear_layers(network).values()]
    others: list[Any] = [layer.act_quant for layer in activation_layers(network).values()]
    return [int(quantiser.bit_width()) for quantiser in weights + others]


def loss(network: nn.Module, feed: Feed, objective: SystemObjective) -> float:
    """Mean of what early stopping watches."""
    total = 0.0
    with torch.no_grad():
        for inputs, truth in feed.in_order():
            total += float(objective.monitor(network(*inputs), truth).double().sum())
    return total / len(feed)


if __name__ == "__main__":
    run_and_exit(main)
