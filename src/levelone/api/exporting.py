"""A Brevitas module as a `Model`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from levelone.api.model import Model
from levelone.errors import LeveloneError
from levelone.graph import read_qonnx

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
    from levelone.quant.export import to_qonnx

    called = name or type(module).__name__.lower()
    if not re.fullmatch(r"[A-Za-z]\w*", called):
        raise LeveloneError(f"a model cannot be called {called!r}", hint="letters, digits and _ only")
    proto = to_qonnx(module, example_inputs)
    return Model(called, read_qonnx(proto), proto)
