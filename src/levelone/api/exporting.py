"""A Brevitas module as a `Model`."""

from __future__ import annotations

import inspect
import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from levelone.api.model import Model
from levelone.errors import LeveloneError
from levelone.graph import read_qonnx
from levelone.graph.reader.load import load_model

if TYPE_CHECKING:
    from torch import Tensor, nn


def export(
    module: nn.Module,
    example_inputs: Tensor | Sequence[Tensor] | Mapping[str, Tensor],
    *,
    name: str | None = None,
) -> Model:
    """Export a calibrated Brevitas module, its layers called as its attributes are (``conv1``, ``act1``).

    Parameters
    ----------
    module
        A network of Brevitas layers, in which a quantiser follows every input. It is exported in evaluation
        mode and left as it was.
    example_inputs
        One tensor, one per argument of ``forward``, or a mapping from argument to tensor: float32 with an
        axis of events in front, channels first. Only their shapes matter.
    name
        What the model is called; by default as the module's class, in lower case.

    Returns
    -------
    Model
        `Model.save` writes it as QONNX.

    Raises
    ------
    LeveloneError
        If the inputs do not fit ``forward``, or the module holds what cannot be exported or carried exactly.
    """
    from levelone.train.export import export_qonnx

    called = name or type(module).__name__.lower()
    if not re.fullmatch(r"[A-Za-z]\w*", called):
        raise LeveloneError(f"a model cannot be called {called!r}", hint="letters, digits and _ only")
    with tempfile.TemporaryDirectory(prefix="levelone-") as folder:
        file = export_qonnx(
            module,
            _named(module, example_inputs),
            Path(folder) / f"{called}.onnx",
            {},
            output=[child for child, _ in module.named_children()][-1],
        )
        proto, _ = load_model(file)
    return Model(called, read_qonnx(proto), proto)


def _named(
    module: nn.Module, examples: Tensor | Sequence[Tensor] | Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Examples by the name of their argument of ``forward``, in its order."""
    import torch

    arguments = [
        each.name
        for each in inspect.signature(module.forward).parameters.values()
        if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)
    ]
    if isinstance(examples, torch.Tensor):
        examples = (examples,)
    if not isinstance(examples, Mapping):
        if len(examples) > len(arguments):
            raise LeveloneError(
                f"forward takes {len(arguments)} inputs ({', '.join(arguments)}), "
                f"found {len(examples)} examples"
            )
        examples = dict(zip(arguments, examples, strict=False))
    for name, tensor in examples.items():
        if name not in arguments:
            raise LeveloneError(f"forward takes no input {name!r}; it takes {', '.join(arguments)}")
        if not isinstance(tensor, torch.Tensor) or tensor.ndim < 2:
            raise LeveloneError(
                f"example of {name!r}: a tensor with an axis of events in front expected, "
                f"found {type(tensor).__name__} of shape {tuple(getattr(tensor, 'shape', ()))}"
            )
    return {name: examples[name] for name in arguments if name in examples}
