"""`--reuse-layer NAME=N` and `--strategy-layer NAME=STRATEGY`: choices for single layers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from levelone.errors import LeveloneError
from levelone.hls import LayerChoice


def parse_choices(reuse: Iterable[str], strategy: Iterable[str]) -> dict[str, LayerChoice]:
    """Layer name -> choice.

    Parameters
    ----------
    reuse, strategy
        Texts like ``conv2=7`` and ``conv2=resource``.

    Raises
    ------
    LeveloneError
        Naming the option whose text is not of that form, or whose layer was given twice.
    """
    choices: dict[str, LayerChoice] = {}
    for name, value in _pairs("--reuse-layer", "conv2=7", reuse):
        if not (value.isascii() and value.isdigit()):
            raise LeveloneError(f"--reuse-layer {name}={value}: {value!r} is not a positive integer")
        choices[name] = LayerChoice(reuse_factor=int(value))
    for name, value in _pairs("--strategy-layer", "conv2=resource", strategy):
        if value not in ("latency", "resource"):
            raise LeveloneError(f"--strategy-layer {name}={value}: expected latency or resource")
        choices[name] = replace(choices.get(name, LayerChoice()), strategy=value)  # type: ignore[arg-type]
    return choices


def _pairs(option: str, example: str, texts: Iterable[str]) -> list[tuple[str, str]]:
    pairs: dict[str, str] = {}
    for text in texts:
        name, _, value = text.rpartition("=")
        if not name or not value:
            raise LeveloneError(f"{option} {text!r}: NAME=VALUE expected", hint=f"{option} {example}")
        if name in pairs:
            raise LeveloneError(f"{option}: {name} is given twice")
        pairs[name] = value
    return list(pairs.items())
