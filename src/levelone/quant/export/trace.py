"""Brevitas' own export of a copy of the module, and how often each layer of it is called."""

from __future__ import annotations

import contextlib
import copy
import io
import logging
import re
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import onnx
import torch
from torch import nn

from levelone.errors import LeveloneError

BATCH = 2
"""Events of the traced example: not 1, so that a batch axis cannot be mistaken for another."""


@dataclass(frozen=True)
class Traced:
    """What was exported.

    Parameters
    ----------
    module
        The copy of the module that was exported.
    model
        Brevitas' result, with its names.
    calls
        Path of each submodule -> how often it is called.
    """

    module: nn.Module
    model: onnx.ModelProto
    calls: Mapping[str, int]


def trace(module: nn.Module, examples: Mapping[str, torch.Tensor]) -> Traced:
    """Export a copy of `module` in evaluation mode; only the shapes of `examples` matter.

    Raises
    ------
    LeveloneError
        If the module cannot be copied, called or exported, or has no quantiser.
    """
    try:
        module = copy.deepcopy(module).eval()
    except Exception as error:  # torch raises many kinds
        raise LeveloneError(f"export: the module cannot be copied: {_first_line(error)}") from error
    _refuse_other_numbers(module)
    device = next((tensor.device for tensor in module.parameters()), torch.device("cpu"))
    arguments = tuple(torch.zeros(BATCH, *x.shape[1:], device=device) for x in examples.values())
    with _following(module) as (calls, where):
        try:
            with torch.no_grad():
                module(*arguments)
        except Exception as error:
            raise LeveloneError(f"export: {where()} cannot be called: {_first_line(error)}") from error
        counted = dict(calls)
        try:
            model = _brevitas(module, arguments)
        except Exception as error:
            raise LeveloneError(
                f"export: Brevitas cannot export {where()}: {_first_line(error)}", hint=_hint(error)
            ) from error
    if model.functions:
        raise LeveloneError(f"export: the exported file defines a function ({model.functions[0].name})")
    if not any("Quant" in node.op_type for node in model.graph.node):
        raise LeveloneError(
            "export: the module has no quantiser",
            hint="build it from the layers of brevitas.nn, such as QuantConv2d, QuantReLU and QuantIdentity",
        )
    return Traced(module, model, counted)


def _refuse_other_numbers(module: nn.Module) -> None:
    """Quantisers that do not make integers with one scale per tensor or channel: minifloats, groups."""
    from brevitas.proxy import quant_proxy

    for path, quantiser in module.named_modules():
        if isinstance(quantiser, quant_proxy.QuantProxyFromInjector) and quantiser.is_quant_enabled:
            kind = type(quantiser).__name__
            if re.search("Float|Groupwise|Dynamic", kind):
                raise LeveloneError(
                    f"export: quantiser {path} ({kind}) does not make integers of fixed scales",
                    hint="choose one of Brevitas' integer quantisers, such as Int8ActPerTensorFixedPoint",
                )


def _brevitas(module: nn.Module, arguments: tuple[torch.Tensor, ...]) -> onnx.ModelProto:
    """Brevitas' own export, with its messages kept off standard output."""
    with _quiet():
        from brevitas.export import export_qonnx

    with _quiet(), tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "model.onnx"
        export_qonnx(module, args=arguments, export_path=str(target))
        return onnx.load(target)


@contextlib.contextmanager
def _following(module: nn.Module) -> Iterator[tuple[Counter[str], Callable[[], str]]]:
    """Count the calls of every submodule, and remember in which one an exception arises."""
    calls: Counter[str] = Counter()
    inside: list[str] = []
    kinds = {path: type(layer).__name__ for path, layer in module.named_modules()}

    def enter(path: str) -> Callable[[nn.Module, object], None]:
        def hook(layer: nn.Module, arguments: object) -> None:
            calls[path] += 1
            inside.append(path)

        return hook

    def leave(layer: nn.Module, arguments: object, result: object) -> None:
        inside.pop()

    def where() -> str:
        path = inside[-1] if inside else ""
        return f"layer {path} ({kinds[path]})" if path else f"the module ({kinds['']})"

    handles = []
    for path, layer in module.named_modules():
        handles.append(layer.register_forward_pre_hook(enter(path)))
        handles.append(layer.register_forward_hook(leave))
    try:
        yield calls, where
    finally:
        for handle in handles:
            handle.remove()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """No chatter of the exporters: neither prints, nor warnings, nor log lines."""
    level = logging.root.manager.disable
    sink = io.StringIO()
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(sink), contextlib.redirect_stderr(sink):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)


def _first_line(error: BaseException) -> str:
    """What went wrong at first, without the exporter's report around it."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def _hint(error: BaseException) -> str | None:
    text = _first_line(error)
    if "'value'" in text:
        return "while Brevitas exports, its layers exchange plain tensors: leave `.value` out of forward"
    if "GuardOnDataDependent" in text or "data-dependent" in text:
        return "forward may not branch on the values of tensors"
    return None
