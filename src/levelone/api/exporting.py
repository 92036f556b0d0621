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
    """Make a model of a calibrated Brevitas module; layers keep the names of its attributes (``c1``, ``a1``).

    Parameters
    ----------
    module
        Layers of ``brevitas.nn``, PyTorch's own layers and functions, nested at will, with a quantiser behind
        every input. It stays as it is: a copy in evaluation mode is exported.
    example_inputs
        The arguments of ``forward``: one tensor, several in their order, or a mapping from argument to
        tensor; float32, an axis of events in front, channels first. Only shapes matter. The inputs of the
        model are called as the arguments are.
    name
        What the model is called; by default as the module's class, in lower case.

    Returns
    -------
    Model
        `Model.save` writes it as QONNX.

    Raises
    ------
    LeveloneError
        If the module cannot be called, exported or carried exactly; the message names the layer.

    Examples
    --------
    >>> import torch, brevitas.nn as qnn, levelone
    >>> from brevitas.quant import Int8ActPerTensorFixedPoint, Int8WeightPerTensorFixedPoint
    >>> net = torch.nn.Sequential()
    >>> net.x = qnn.QuantIdentity(act_quant=Int8ActPerTensorFixedPoint)
    >>> net.fc = qnn.QuantLinear(4, 2, bias=False, weight_quant=Int8WeightPerTensorFixedPoint)
    >>> _ = net(torch.randn(100, 4))  # sets the scale of the activations
    >>> model = levelone.export(net, torch.zeros(1, 4), name="tiny")
    >>> model
    <levelone.Model tiny: input [4] -> fc [2]>
    >>> [layer["name"] for layer in model.inspect()]
    ['fc']
    """
    from levelone.quant.export import to_qonnx

    called = name or type(module).__name__.lower()
    if not re.fullmatch(r"[A-Za-z]\w*", called):
        raise LeveloneError(f"a model cannot be called {called!r}", hint="letters, digits and _ only")
    proto = to_qonnx(module, example_inputs)
    return Model(called, read_qonnx(proto), proto)
