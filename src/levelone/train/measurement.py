"""Every model on the same test events, streamed: nothing is held but what the system's meter keeps."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from levelone.files import atomic_path, sha256, write_text
from levelone.quant.cost import network_cost
from levelone.recipe import Recipe
from levelone.train.batches import as_batch, evaluation_batch, event_values
from levelone.train.checkpoints import load_best
from levelone.train.objective import as_outputs
from levelone.train.pipeline import float_twin, limits
from levelone.train.result import Progress
from levelone.zoo.kit.control import CONTROL, LeakControl
from levelone.zoo.kit.events import Events, Outputs, Predictor, Source
from levelone.zoo.kit.meter import Meter
from levelone.zoo.kit.system import System


def evaluate(
    system: System, recipe: Recipe, data: Path, run_dir: Path, *, progress: Progress | None = None
) -> dict[str, Any]:
    """See `levelone.train.evaluate`."""
    report = progress or (lambda line: None)
    sizes = limits(recipe)
    train = system.source(recipe, data, "train", sizes["train"])
    test = system.source(recipe, data, "test", sizes["test"])
    trained = networks(system, recipe, run_dir)
    cost = network_cost(trained["quantised"]) if "quantised" in trained else {}
    report(f"fitting the baselines on {len(train)} events")
    others, control = fitted(system, recipe, train)
    models = predictors(system, recipe, trained) | others
    report(f"evaluating {len(models)} models on {len(test)} test events")
    meter = system.meter(recipe, train)
    measure(models, test.batches(evaluation_batch(event_values(next(test.batches(1))))), meter)
    found = meter.result()
    counts = found.pop("data", {"train_events": len(train), "test_events": len(test)})
    metrics = {
        **found,
        "data": {"file": data.name, "sha256": sha256(data), **counts},
        "cost": cost,
        "reference": system.published(),
        **({} if control is None else {CONTROL: control.as_json()}),
        "seed": recipe.seed,
    }
    write_text(run_dir / "metrics.json", json.dumps(metrics, indent=1) + "\n")
    with atomic_path(run_dir / "scores.npz") as scratch, scratch.open("wb") as stream:
        np.savez_compressed(stream, **meter.kept())  # type: ignore[arg-type]
    return metrics


def networks(system: System, recipe: Recipe, run_dir: Path) -> dict[str, nn.Module]:
    """The trained networks of a run folder: float twin, quantised module if there is one, rivals."""
    found = {"float": float_twin(system, recipe, run_dir)}
    if system.reach(recipe) != "float":
        found["quantised"] = system.load_module(recipe, run_dir / "module.pt")
    for name, other in system.rivals(recipe).items():
        found[name] = system.build_float(other)
        load_best(found[name], run_dir / "rivals" / name / "best.ckpt")
    return found


def fitted(system: System, recipe: Recipe, train: Source) -> tuple[dict[str, Predictor], LeakControl | None]:
    """What is fitted to `train`: the classical methods, the leak control among them if there is one."""
    models = dict(system.fit_baselines(recipe, train))
    control = system.leak_control(recipe, train)
    if control is not None:
        models[CONTROL] = control.predictor
    return models, control


def predictors(system: System, recipe: Recipe, trained: Mapping[str, nn.Module]) -> dict[str, Predictor]:
    """What `networks` gives, as functions of the recipe's events."""
    rivals = system.rivals(recipe)
    return {name: predictor(system, network, rivals.get(name)) for name, network in trained.items()}


def predictor(system: System, network: nn.Module, rival: Recipe | None = None) -> Predictor:
    """A network in evaluation mode, as a function of events; that of a `rival`, of its opponent's events."""
    network.eval()

    def answer(events: Events) -> Outputs:
        events = events if rival is None else system.seen_by(rival, events)
        with torch.no_grad():
            found = as_outputs(network(*as_batch(events)[0]))
        return {name: tensor.numpy() for name, tensor in zip(system.outputs, found, strict=True)}

    return answer


def measure(models: Mapping[str, Predictor], batches: Iterable[Events], meter: Meter) -> None:
    """Show every batch and the outputs of all models to a meter."""
    for events in batches:
        meter.update(events, {name: model(events) for name, model in models.items()})
