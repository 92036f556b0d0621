"""The steps of one run: train float, fold, calibrate, train quantised; measure; export."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from levelone import __version__
from levelone.files import sha256, write_text
from levelone.quant.calibrate import calibrate, fold_into
from levelone.quant.export import export_qonnx
from levelone.quant.state import save_state
from levelone.recipe import Recipe, digest
from levelone.train.adversarial import AdversarialTask
from levelone.train.batches import Feed, event_values
from levelone.train.checkpoints import load_best
from levelone.train.loop import Task, fit
from levelone.train.objective import SystemObjective
from levelone.train.options import LoopOptions
from levelone.train.result import Progress, TrainResult
from levelone.zoo.kit.distillation import distil
from levelone.zoo.kit.events import Split
from levelone.zoo.kit.system import System

CALIBRATION = 8192
"""Training events that choose the activation scales; of large events fewer (`calibration_events`)."""


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
    train = feed_of(system, recipe, data, "train")
    validation = feed_of(system, recipe, data, "validation")
    report(f"training on {len(train)} events, validating on {len(validation)}")

    torch.manual_seed(recipe.seed)
    twin = system.build_float(recipe)
    system.take_constants(recipe, data, twin)
    curves: dict[str, Any] = {"seed": recipe.seed, "train": len(train), "validation": len(validation)}
    objective = SystemObjective(system, recipe)
    critic = system.critic(recipe)
    task: Callable[..., Task] = Task if critic is None else partial(AdversarialTask, critic=critic)
    curves["float"] = fit(
        twin,
        options["float"],
        train,
        validation,
        run_dir / "float",
        objective=objective,
        task=task,
        report=report,
        bar=bar,
    )
    if critic is not None:
        load_best(critic.network, run_dir / "float" / "best.ckpt", "critic")
        critic.network.train()  # it goes on learning
    module = run_dir / "module.pt"
    if system.reach(recipe) != "float":
        torch.manual_seed(recipe.seed)
        network = system.build_quantised(recipe)
        fold_into(twin, network)
        calibrate(network, train.first(calibration_events(train)))
        curves["quantised"] = fit(
            network,
            options["quantised"],
            train,
            validation,
            run_dir / "quantised",
            objective=objective,
            task=task,
            report=report,
            bar=bar,
        )
        save_state(network, module)
    rivals = {
        name: _train_rival(system, name, other, data, run_dir, report, bar)
        for name, other in system.rivals(recipe).items()
    }
    curves |= {"rivals": rivals} if rivals else {}
    write_text(run_dir / "curves.json", json.dumps(curves, indent=1) + "\n")
    return TrainResult(module, curves)


def _train_rival(
    system: System, name: str, recipe: Recipe, data: Path, run_dir: Path, report: Progress, bar: bool
) -> dict[str, Any]:
    """Train the float network of another recipe on the same events, in ``rivals/NAME``."""
    options = replace(_options(recipe, data)["float"], name=name)
    torch.manual_seed(recipe.seed)
    network = system.build_float(recipe)
    system.take_constants(recipe, data, network)
    return fit(
        network,
        options,
        feed_of(system, recipe, data, "train"),
        feed_of(system, recipe, data, "validation"),
        run_dir / "rivals" / name,
        objective=SystemObjective(system, recipe),
        report=report,
        bar=bar,
    )


def feed_of(system: System, recipe: Recipe, data: Path, split: Split) -> Feed:
    """What training reads of a split."""
    source = system.source(recipe, data, split, limits(recipe)[split])
    if split != "train":
        return Feed(source)
    augment = partial(system.augment, recipe)
    teacher = system.teacher(recipe)
    if teacher is not None and recipe.train.distillation:
        taught = distil(source, teacher, recipe.train.distillation, recipe.seed)
        return Feed(source, recipe.train.epoch_events, augment, taught)
    return Feed(source, recipe.train.epoch_events, augment)


def calibration_events(train: Feed) -> int:
    """How many events choose the activation scales: as many as have 8 million values."""
    return max(min(CALIBRATION, (1 << 23) // event_values(next(train.source.batches(1)))), 256)


def _options(recipe: Recipe, data: Path) -> dict[str, LoopOptions]:
    """Loop options of both trainings; the identity covers all that the weights depend on."""
    train = recipe.train
    origin = [__version__, recipe.system, recipe.seed, recipe.data.model_dump(exclude={"file", "max_test"})]
    origin += [
        recipe.model,
        sha256(data),
        train.model_dump(exclude={"quantised_epochs", "quantised_learning_rate", "quantised_weight_decay"}),
    ]
    float_identity = digest(origin)
    quantised_identity = digest([float_identity, recipe.quant.model_dump(), train.model_dump()])

    def options(name: str, identity: str, epochs: int, rate: float, decay: float) -> LoopOptions:
        return LoopOptions(
            name=name,
            seed=recipe.seed,
            epochs=epochs,
            batch_size=train.batch_size,
            learning_rate=rate,
            weight_decay=decay,
            patience=train.patience,
            max_minutes=train.max_minutes,
            identity=identity,
        )

    decay = train.weight_decay
    later = decay if train.quantised_weight_decay is None else train.quantised_weight_decay
    return {
        "float": options("float", float_identity, train.float_epochs, train.float_learning_rate, decay),
        "quantised": options(
            "quantised", quantised_identity, train.quantised_epochs, train.quantised_learning_rate, later
        ),
    }


def limits(recipe: Recipe) -> dict[Split, int]:
    """How many events of each split a recipe asks for."""
    data = recipe.data
    return {"train": data.max_train, "validation": data.max_validation, "test": data.max_test}


def float_twin(system: System, recipe: Recipe, run_dir: Path) -> nn.Module:
    """The trained float twin of a run folder, in evaluation mode."""
    twin = system.build_float(recipe)
    load_best(twin, run_dir / "float" / "best.ckpt")
    return twin


def export_run(system: System, recipe: Recipe, run_dir: Path, output: Path) -> Path:
    """See `levelone.train.export_run`."""
    module = system.load_module(recipe, run_dir / "module.pt")
    examples = {name: torch.zeros(1, *shape) for name, shape in system.input_shapes(recipe).items()}
    metadata = {
        "system": recipe.system,
        "name": system.name,
        "title": system.title,
        "recipe": digest(recipe),
        "module": sha256(run_dir / "module.pt"),
        "levelone": __version__,
    }
    return export_qonnx(module, examples, output, metadata=metadata, outputs=system.outputs)
