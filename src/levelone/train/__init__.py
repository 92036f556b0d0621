"""Training, measuring and exporting one system into its run folder.

Every function here works on a run folder with fixed file names:

=========================  =====================================================================
``float/best.ckpt``        float twin: the epoch with the lowest validation loss
``float/last.ckpt``        float twin: where training continues after an interruption
``quantised/best.ckpt``    quantised model, same meaning
``quantised/last.ckpt``    quantised model, same meaning
``module.pt``              weights and scales of the best quantised epoch (a plain state dict)
``curves.json``            learning curves, seeds, reasons for stopping
``metrics.json``           what `evaluate` measured
``scores.npz``             what the system's meter kept of the test events, for plots
``rivals/NAME/``           other networks to compare with, trained in float (same two files)
``model.onnx``             the QONNX export
=========================  =====================================================================

Importing this package does not import torch; each function does when it is called.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from levelone.recipe import Recipe
from levelone.train.result import Progress, TrainResult
from levelone.zoo.kit.system import System


def train_system(
    system: System,
    recipe: Recipe,
    data: Path,
    run_dir: Path,
    *,
    progress: Progress | None = None,
    bar: bool = False,
) -> TrainResult:
    """Train the float twin, fold its normalisation, calibrate the scales, train the quantised model.

    Continues where an interrupted call in the same folder stopped, with the same final weights.

    Parameters
    ----------
    data
        The HDF5 file to train on.
    run_dir
        Made if missing.
    progress
        Receives one line per stage and epoch.
    bar
        Show Lightning's progress bar (on standard error).

    Raises
    ------
    LeveloneError
        If the data or a checkpoint in `run_dir` does not fit the recipe.
    """
    from levelone.train.pipeline import train_system as implementation

    return implementation(system, recipe, data, run_dir, progress=progress, bar=bar)


def evaluate(
    system: System, recipe: Recipe, data: Path, run_dir: Path, *, progress: Progress | None = None
) -> dict[str, Any]:
    """Measure float twin, quantised model, rivals, baselines and leak control on the same test events.

    Writes ``metrics.json`` (returned) and ``scores.npz`` into `run_dir`. Layout of the result::

        {"models": {<model>: <figures>}, ..., "data": {"file", "sha256", "train_events", "test_events"},
         "cost": {...}, "reference": {...}, "leak_control": {"given", "may_know"}, "seed": n}

    Figures, and what else there is, are those of the system's meter (`levelone.zoo.kit.meter.Meter.result`);
    ``scores.npz`` holds what it keeps.
    """
    from levelone.train.measurement import evaluate as implementation

    return implementation(system, recipe, data, run_dir, progress=progress)


def export_run(system: System, recipe: Recipe, run_dir: Path, output: Path) -> Path:
    """Write the QONNX file of ``run_dir/module.pt`` to `output`; returns `output`."""
    from levelone.train.pipeline import export_run as implementation

    return implementation(system, recipe, run_dir, output)


__all__ = ["Progress", "TrainResult", "evaluate", "export_run", "train_system"]
