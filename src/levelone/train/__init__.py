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
``scores.npz``             scores and truth of the test candidates, for plots
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
from levelone.zoo.kit.voxelsystem import VoxelSystem
from levelone.zoo.pixelseed.system import PixelSeed


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
    """Measure float twin, quantised model and baseline on the same test candidates.

    Writes ``metrics.json`` (returned) and ``scores.npz`` into `run_dir`. Layout of the result::

        {"models": {"float" | "quantised" | "baseline" | "baseline_profile" | "layers_only":
             {"natural" | "natural_prior" | "balanced": {"all" | <region>: {
                 "auc": {"value": x, "error": x},
                 "efficiency": {"50" | "75" | "90" | "99": {"value": x, "error": x}},
                 "signal": n, "background": n}}}},
         "differences": {"quantised-float" | "quantised-baseline" | "float-baseline":
             {<mixture>: {<region>: same layout}}},
         "data": {"file", "sha256", "trained_on", "train_candidates", "test_candidates", "test_events"},
         "bootstrap": {"replicas", "unit"}, "cost": {...}, "reference": {...}, "seed": n}

    ``natural`` is the test split as found; ``balanced`` weights it so that both classes are equally frequent
    within each group (pair of layers); ``natural_prior`` is as found, with the log of signal over background
    of each group, counted in the training events, added to every score: what one threshold per pair of layers
    does. ``baseline_profile`` is the baseline with the network's sub-pixel cluster lengths as well;
    ``layers_only`` knows nothing but the pair of layers. A mixture or region without both classes is absent.

    ``scores.npz`` holds float32 arrays ``float``, ``quantised``, ``baseline`` [n] (higher is more
    signal-like), ``target`` uint8 [n], ``region`` uint8 [n], ``group`` int32 [n], and
    ``weight_balanced`` float64 [n] (weights that balance the classes within each group), and ``prior``
    float64 [n] (what ``natural_prior`` adds).

    That is the layout for doublets. Systems of voxel events define their own ``models`` and ``differences``
    (`levelone.zoo.kit.voxelsystem.VoxelSystem.measure`); their ``scores.npz`` holds ``MODEL/OUTPUT`` and
    ``truth/COLUMN``, [n] or [n, k] each.
    """
    if isinstance(system, VoxelSystem):
        from levelone.train.measurement import measure_events

        return measure_events(system, recipe, data, run_dir, progress=progress)
    if not isinstance(system, PixelSeed):
        raise TypeError(f"system {system.name} is neither of doublets nor of voxel events")
    from levelone.train.evaluation import evaluate as implementation

    return implementation(system, recipe, data, run_dir, progress=progress)


def export_run(system: System, recipe: Recipe, run_dir: Path, output: Path) -> Path:
    """Write the QONNX file of ``run_dir/module.pt`` to `output`; returns `output`."""
    from levelone.train.pipeline import export_run as implementation

    return implementation(system, recipe, run_dir, output)


__all__ = ["Progress", "TrainResult", "evaluate", "export_run", "train_system"]
