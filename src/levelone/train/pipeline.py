"""The steps of one run: train float, fold, calibrate, train quantised; measure; export."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from levelone import __version__
from levelone.files import sha256, write_text
from levelone.quant.calibrate import calibrate, fold_into
from levelone.quant.state import save_state
from levelone.recipe import Recipe, digest
from levelone.train import Progress, TrainResult
from levelone.train.batches import InOrder, Table
from levelone.train.export import export_qonnx
from levelone.train.loop import LoopOptions, fit, load_best
from levelone.zoo.system import Mixture, Sample, Split, System

CALIBRATION = 8192
"""Training candidates that choose the activation scales."""


def train_system(
    system: System,
    recipe: Recipe,
    data: Path,
    run_dir: Path,
    *,
    progress: Progress | None = None,
    bar: bool = False,
) -> TrainResult:
    """See `levelone.train.train_system`."""
    report = progress or (lambda line: None)
    system.model_section(recipe)
    options = _options(recipe, data)
    train = Table.of(load_split(system, recipe, data, "train"))
    validation = Table.of(load_split(system, recipe, data, "validation"))
    report(f"training on {len(train)} candidates, validating on {len(validation)}")

    torch.manual_seed(recipe.seed)
    twin = system.build_float(recipe)
    curves: dict[str, Any] = {"seed": recipe.seed, "train": len(train), "validation": len(validation)}
    curves["float"] = fit(
        twin, options["float"], train, validation, run_dir / "float", report=report, bar=bar
    )

    torch.manual_seed(recipe.seed)
    network = system.build_quantised(recipe)
    fold_into(twin, network)
    inputs, _ = train.take(slice(0, CALIBRATION))
    calibrate(network, inputs)
    curves["quantised"] = fit(
        network, options["quantised"], train, validation, run_dir / "quantised", report=report, bar=bar
    )
    write_text(run_dir / "curves.json", json.dumps(curves, indent=1) + "\n")
    save_state(network, run_dir / "module.pt")
    return TrainResult(run_dir / "module.pt", curves)


def _options(recipe: Recipe, data: Path) -> dict[str, LoopOptions]:
    """Loop options of both trainings; the identity covers all that the weights depend on."""
    train = recipe.train
    origin = [__version__, recipe.system, recipe.seed, recipe.data.model_dump(exclude={"file", "max_test"})]
    origin += [
        recipe.model,
        sha256(data),
        train.model_dump(exclude={"quantised_epochs", "quantised_learning_rate"}),
    ]
    float_identity = digest(origin)
    quantised_identity = digest([float_identity, recipe.quant.model_dump(), train.model_dump()])

    def options(name: str, identity: str, epochs: int, rate: float) -> LoopOptions:
        return LoopOptions(
            name=name,
            seed=recipe.seed,
            epochs=epochs,
            batch_size=train.batch_size,
            learning_rate=rate,
            weight_decay=train.weight_decay,
            patience=train.patience,
            max_minutes=train.max_minutes,
            identity=identity,
        )

    return {
        "float": options("float", float_identity, train.float_epochs, train.float_learning_rate),
        "quantised": options(
            "quantised", quantised_identity, train.quantised_epochs, train.quantised_learning_rate
        ),
    }


def load_split(system: System, recipe: Recipe, data: Path, split: Split) -> Sample:
    """The candidates of a split that the recipe asks for; of the test split always the natural mixture."""
    limits: dict[Split, int] = {
        "train": recipe.data.max_train,
        "validation": recipe.data.max_validation,
        "test": recipe.data.max_test,
    }
    mixture: Mixture = "natural" if split == "test" else recipe.data.mixture
    return system.load(recipe, data, split, mixture=mixture, limit=limits[split], seed=recipe.seed)


def float_twin(system: System, recipe: Recipe, run_dir: Path) -> nn.Module:
    """The trained float twin of a run folder, in evaluation mode."""
    twin = system.build_float(recipe)
    load_best(twin, run_dir / "float" / "best.ckpt")
    return twin


def scores(module: nn.Module, sample: Sample) -> NDArray[np.float32]:
    """Logits of a network for a sample, float32 [n]."""
    module.eval()
    names = list(sample.inputs)
    parts = []
    with torch.no_grad():
        for start in range(0, len(sample), InOrder.batch_size):
            rows = slice(start, start + InOrder.batch_size)
            parts.append(module(*(torch.from_numpy(sample.inputs[name][rows]) for name in names)).reshape(-1))
    return torch.cat(parts).numpy()


def export_run(system: System, recipe: Recipe, run_dir: Path, output: Path) -> Path:
    """See `levelone.train.export_run`."""
    module = system.load_module(recipe, run_dir / "module.pt")
    examples = {name: torch.zeros(1, *shape) for name, shape in system.input_shapes(recipe).items()}
    metadata = {
        "system": system.name,
        "title": system.title,
        "recipe": digest(recipe),
        "module": sha256(run_dir / "module.pt"),
        "levelone": __version__,
    }
    return export_qonnx(module, examples, output, metadata, output=system.output_name)
