"""Weights and scales on disk: plain tensors, no code."""

from __future__ import annotations

import io
from pathlib import Path

import torch
from torch import nn

from levelone.errors import LeveloneError
from levelone.files import write_bytes


def save_state(module: nn.Module, path: Path) -> None:
    """Write the state dict of `module` to `path` atomically."""
    stream = io.BytesIO()
    torch.save({name: tensor.detach().cpu() for name, tensor in module.state_dict().items()}, stream)
    write_bytes(path, stream.getvalue())


def load_state(module: nn.Module, path: Path) -> None:
    """Load a state dict into `module`; every entry must be there and fit.

    Raises
    ------
    LeveloneError
        If the file cannot be read, is not a plain state dict, or belongs to another network.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise LeveloneError(f"{path}: no such file", hint="train first: `levelone train`") from error
    except Exception as error:  # torch raises many kinds for a file that is not a state dict
        raise LeveloneError(f"{path}: not a file of weights ({type(error).__name__})") from error
    if not isinstance(state, dict):
        raise LeveloneError(f"{path}: holds a {type(state).__name__}, not a state dict")
    own = module.state_dict()
    problems = [f"missing {name}" for name in own if name not in state]
    problems += [f"unexpected {name}" for name in state if name not in own]
    problems += [
        f"{name}: shape {tuple(state[name].shape)}, expected {tuple(own[name].shape)}"
        for name in own
        if name in state and state[name].shape != own[name].shape
    ]
    if problems:
        raise LeveloneError(
            f"{path}: these weights belong to another network: {'; '.join(problems[:3])}",
            hint="use the recipe that the network was trained with",
        )
    module.load_state_dict(state)
