"""Checkpoints of a training, and its curves inside them."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.callbacks import Checkpoint
from torch import nn

from levelone.errors import LeveloneError
from levelone.files import atomic_path
from levelone.train.options import LoopOptions

MONITOR = "validation_loss"


class Keeper(Checkpoint):
    """Writes ``best.ckpt`` and ``last.ckpt`` and keeps the learning curves, which travel inside them."""

    def __init__(self, folder: Path, options: LoopOptions, report: Callable[[str], None]) -> None:
        self._folder = folder
        self._options = options
        self._report = report
        self._started = time.monotonic()
        self.state: dict[str, Any] = {
            "identity": options.identity,
            "seed": options.seed,
            "epochs": [],
            "best_epoch": -1,
            "best_loss": float("inf"),
            "stopped": "",
        }

    def state_dict(self) -> dict[str, Any]:
        return self.state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.state = state_dict

    def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        self._started = time.monotonic()

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        epoch = trainer.current_epoch
        losses = {name: float(trainer.callback_metrics[name]) for name in ("train_loss", MONITOR)}
        row = {
            "epoch": epoch,
            **losses,
            "learning_rate": trainer.optimizers[0].param_groups[0]["lr"],
            "seconds": round(time.monotonic() - self._started, 3),
        }
        self.state["epochs"].append(row)
        options = self._options
        better = losses[MONITOR] < self.state["best_loss"]
        if better:
            self.state |= {"best_epoch": epoch, "best_loss": losses[MONITOR]}
        self.state["stopped"] = self._reason(trainer, epoch)
        if self.state["stopped"] == "max_minutes":
            trainer.should_stop = True
        # Best first: if the process dies between the two, the epoch is done again and both are written again.
        if better:
            _save(trainer, self._folder / "best.ckpt")
        _save(trainer, self._folder / "last.ckpt")
        self._report(
            f"{options.name} epoch {epoch + 1}/{options.epochs}: loss {losses['train_loss']:.5f} (training) "
            f"{losses[MONITOR]:.5f} (validation), {row['seconds']:.1f} s"
        )

    def _reason(self, trainer: Any, epoch: int) -> str:
        """Why this is the last epoch, or nothing."""
        if epoch + 1 >= self._options.epochs:
            return "epochs"
        if trainer.should_stop:
            return "patience"
        minutes = sum(row["seconds"] for row in self.state["epochs"]) / 60
        if self._options.max_minutes is not None and minutes >= self._options.max_minutes:
            return "max_minutes"
        return ""


def _save(trainer: Any, path: Path) -> None:
    with atomic_path(path) as scratch:
        trainer.save_checkpoint(scratch)


def found_state(path: Path, identity: str) -> dict[str, Any] | None:
    """The curves inside a checkpoint, if there is one and it belongs to this training."""
    if not path.exists():
        return None
    states = _read(path)["callbacks"]
    state: dict[str, Any] | None = states.get(Keeper.__qualname__)
    return state if state is not None and state["identity"] == identity else None


def load_best(network: nn.Module, path: Path, part: str = "network") -> None:
    """Load the weights inside a checkpoint into `network` and put it into evaluation mode.

    Parameters
    ----------
    part
        "network", or "critic": that of an adversarial training.
    """
    prefix = f"{part}."
    state = _read(path)["state_dict"]
    found = {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
    network.load_state_dict(found)
    network.eval()


def _read(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds for a file that is not a checkpoint
        raise LeveloneError(
            f"{path}: not a checkpoint ({type(error).__name__})", hint="delete it to train from the start"
        ) from error
    return content
