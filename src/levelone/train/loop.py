"""One training with Lightning: the same loop for the float twin and the quantised model.

A run that was killed at any moment and started again ends with the same weights, bit for bit, as one that was
not: the order of the data is a function of seed and epoch, everything else that training depends on is in
``last.ckpt``, which is replaced atomically at the end of each epoch, and an unfinished epoch is done again.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import EarlyStopping, TQDMProgressBar
from torch import Tensor, nn

from levelone.errors import LeveloneError
from levelone.train.batches import Batch, Epoch, Feed
from levelone.train.checkpoints import MONITOR, Keeper, found_state, load_best
from levelone.train.front import Fronted, fits, through_front
from levelone.train.objective import Objective
from levelone.train.options import LoopOptions
from levelone.train.schedule import optimiser, warm_cosine


class Task(pl.LightningModule):
    """A network and its loss.

    Attributes
    ----------
    network
        Whose weights are trained.
    fronted
        Whether the feeds give what the network's front makes of events, for what is behind it.
    """

    def __init__(
        self,
        network: nn.Module,
        options: LoopOptions,
        train: Feed,
        check: tuple[Feed, Feed],
        objective: Objective,
    ) -> None:
        super().__init__()
        self.network = network
        self.fronted = False
        self._options = options
        self._train = train
        self._check = check
        self._objective = objective
        self._sums: dict[int, list[Tensor]] = {}

    def answer(self, inputs: tuple[Tensor, ...]) -> Any:
        """The network's result, of a batch of the feeds."""
        return self.network.behind(*inputs) if self.fronted else self.network(*inputs)  # type: ignore[operator]

    def train_dataloader(self) -> Epoch:
        """Called at the start of each epoch (reload_dataloaders_every_n_epochs)."""
        return self._train.epoch(self._options.batch_size, self._options.seed, self.current_epoch)

    def val_dataloader(self) -> list[Epoch]:
        return [feed.in_order() for feed in self._check]

    def on_train_epoch_start(self) -> None:
        torch.manual_seed(self._options.seed * 100_003 + self.current_epoch)

    def training_step(self, batch: Batch, index: int) -> Tensor:
        inputs, truth = batch
        return self._objective.loss(self.answer(inputs), truth)

    def validation_step(self, batch: Batch, index: int, dataloader_idx: int = 0) -> None:
        inputs, truth = batch
        losses = self._objective.monitor(self.answer(inputs), truth)
        self._sums.setdefault(dataloader_idx, []).append(losses.double().sum())

    def on_validation_epoch_end(self) -> None:
        for index, name in enumerate((MONITOR, "train_loss")):
            total = torch.stack(self._sums.get(index, [torch.zeros(())])).sum() / len(self._check[index])
            self.log(name, total, prog_bar=True)
        self._sums.clear()

    def configure_optimizers(self) -> Any:
        options = self._options
        optimizer = optimiser(self.network, options.learning_rate, options.weight_decay)
        schedule = warm_cosine(optimizer, len(self.train_dataloader()) * options.epochs)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


class _Bar(TQDMProgressBar):
    """Lightning's bar without its separate validation bars."""

    def init_validation_tqdm(self) -> Any:
        bar = super().init_validation_tqdm()
        bar.disable = True
        return bar


def fit(
    network: nn.Module,
    options: LoopOptions,
    train: Feed,
    validation: Feed,
    folder: Path,
    *,
    objective: Objective,
    task: Callable[..., Task] = Task,
    report: Callable[[str], None] = lambda line: None,
    bar: bool = False,
) -> dict[str, Any]:
    """Train `network` in place and leave the weights of its best epoch in it.

    The training loss is measured as the validation loss is: in evaluation mode, at the end of the epoch, on
    as many training events as there are validation events.

    Parameters
    ----------
    objective
        What is minimised, and what early stopping watches.
    task
        The class of the training, given the arguments of `Task`.
    folder
        Holds ``best.ckpt`` and ``last.ckpt``. An interrupted training there is continued, a finished one is
        read back, one of another recipe or data file is started afresh.

    Returns
    -------
    dict
        ``epochs``, ``best_epoch``, ``best_loss``, ``stopped`` and ``seed``: see `levelone.train.TrainResult`.

    Raises
    ------
    LeveloneError
        If the loss is not finite, or a checkpoint cannot be read.
    """
    last = folder / "last.ckpt"
    found = found_state(last, options.identity)
    if found is None or not found["stopped"]:
        if found is not None:
            report(f"{options.name}: continuing after epoch {len(found['epochs'])}")
        if fronted := isinstance(network, Fronted) and fits(network, train, validation):
            train, validation = (through_front(network, feed) for feed in (train, validation))
        module = task(network, options, train, (validation, train.part(len(validation))), objective)
        module.fronted = fronted
        keeper = Keeper(folder, options, report)
        callbacks: list[Any] = [
            EarlyStopping(MONITOR, patience=options.patience, check_finite=False),
            keeper,
        ]
        torch.manual_seed(options.seed)
        with _quiet(), _one_thread():
            trainer = pl.Trainer(
                max_epochs=options.epochs,
                accelerator="cpu",
                callbacks=[*callbacks, _Bar()] if bar else callbacks,
                logger=False,
                enable_progress_bar=bar,
                enable_model_summary=False,
                enable_checkpointing=True,
                num_sanity_val_steps=0,
                reload_dataloaders_every_n_epochs=1,
                default_root_dir=folder,
            )
            trainer.fit(module, ckpt_path=None if found is None else str(last), weights_only=True)
        if getattr(trainer, "interrupted", False):
            raise KeyboardInterrupt
        found = keeper.state
    if found["best_epoch"] < 0:
        raise LeveloneError(
            f"{options.name}: no epoch reached a finite validation loss", hint="lower the learning rate"
        )
    load_best(network, folder / "best.ckpt")
    return {key: value for key, value in found.items() if key != "identity"}


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """The order of floating-point sums must not depend on the number of cores; batches here are small."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep Lightning off standard output: its bar goes to standard error, its advice nowhere."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric", "lightning")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(sys.stderr):
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
