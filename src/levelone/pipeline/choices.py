"""Choices of hls4ml's hardware, checked as those of a recipe; those of single layers as options."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from levelone.errors import LeveloneError
from levelone.hls.config import HlsConfig
from levelone.recipe import parse_section


def hls_config(origin: str, **choices: Any) -> HlsConfig:
    """The hardware of `choices`, by the fields of `HlsConfig`; `origin` names their source in messages.

    Raises
    ------
    LeveloneError
        With a line for each field that is not possible.
    """
    return parse_section(HlsConfig, choices, origin, at=("hls",))


def parse_choices(reuse: Iterable[str], strategy: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Layer name -> the fields of `LayerChoice`, unchecked.

    Parameters
    ----------
    reuse, strategy
        Texts like ``conv2=7`` and ``conv2=resource``.

    Raises
    ------
    LeveloneError
        Naming the option whose text is not of that form, or whose layer was given twice.
    """
    choices: dict[str, dict[str, Any]] = {}
    for name, value in _pairs("--reuse-layer", "conv2=7", reuse):
        if not (value.isascii() and value.isdigit()):
            raise LeveloneError(f"--reuse-layer {name}={value}: {value!r} is not a positive integer")
        choices[name] = {"reuse_factor": int(value)}
    for name, value in _pairs("--strategy-layer", "conv2=resource", strategy):
        if value not in ("latency", "resource"):
            raise LeveloneError(f"--strategy-layer {name}={value}: expected latency or resource")
        choices.setdefault(name, {})["strategy"] = value
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
