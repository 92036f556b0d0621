"""Choices of hardware, checked as those of a recipe; those of single layers as options."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from levelone.errors import LeveloneError
from levelone.recipe import parse_section
from levelone.verify import find_body


def choices_for(body: str, origin: str, given: Mapping[str, Any]) -> Any:
    """The choices of hardware that a body takes, checked as the section of a recipe that is called as it is.

    Parameters
    ----------
    origin
        Where they are from, for messages.
    given
        Values by field; what is None or absent is the body's default.

    Returns
    -------
    levelone.hardware.choices.Choices or None
        An object of the body's ``config``; None if it has none.

    Raises
    ------
    LeveloneError
        If there is no such body, it takes no choices, or with a line for each field that is not possible.
    """
    config = getattr(find_body(body), "config", None)
    made = {name: value for name, value in given.items() if value is not None}
    if config is not None:
        return parse_section(config, made, origin, at=(body,))
    if made:
        raise LeveloneError(
            f"{origin}: body {body} takes no choices, but {', '.join(made)} given", hint="leave it out"
        )
    return None


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
