"""Example inputs in the order of the arguments of a module's ``forward``."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence

import torch
from torch import nn

from levelone.errors import LeveloneError


def ordered_inputs(
    module: nn.Module, example_inputs: torch.Tensor | Sequence[torch.Tensor] | Mapping[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    """Argument name -> example, in the order in which ``module.forward`` takes them.

    Raises
    ------
    LeveloneError
        If they are no float tensors with a batch axis, or do not fit the arguments.
    """
    if isinstance(example_inputs, torch.Tensor):
        example_inputs = (example_inputs,)
    names, rest, needed = _arguments(module)
    if isinstance(example_inputs, Mapping):
        found = dict(example_inputs)
        unknown = [name for name in found if name not in names]
        if unknown and not rest:
            raise LeveloneError(
                f"export: {type(module).__name__}.forward has no argument {unknown[0]!r}",
                hint=f"its arguments are {', '.join(names)}",
            )
        # those that `*inputs` takes come in the order given
        found = {name: found[name] for name in (*(n for n in names if n in found), *unknown)}
    else:
        given = list(example_inputs)
        if len(given) > len(names) and rest is None:
            raise LeveloneError(
                f"export: {len(given)} example inputs, but {type(module).__name__}.forward has "
                f"{len(names)} arguments ({', '.join(names)})"
            )
        extra = [f"{rest}_{number}" for number in range(1, len(given) - len(names) + 1)]
        found = dict(zip((*names, *extra), given, strict=False))
    missing = [name for name in needed if name not in found]
    if missing or not found:
        raise LeveloneError(f"export: no example for argument {(missing or ['?'])[0]!r} of the module")
    for name, tensor in found.items():
        if not isinstance(tensor, torch.Tensor) or not tensor.is_floating_point() or tensor.ndim < 2:
            raise LeveloneError(
                f"export: the example for {name!r} is no float tensor with a batch axis",
                hint="give torch.Tensor objects of shape [events, ...]",
            )
    return found


def _arguments(module: nn.Module) -> tuple[list[str], str | None, list[str]]:
    """(names of positional arguments, name of ``*arguments`` if there, names without a default)."""
    names, rest, needed = [], None, []
    for parameter in inspect.signature(module.forward).parameters.values():
        if parameter.kind == parameter.VAR_POSITIONAL:
            rest = parameter.name.rstrip("s") or parameter.name
        elif parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            names.append(parameter.name)
            if parameter.default is parameter.empty:
                needed.append(parameter.name)
    return names, rest, needed
