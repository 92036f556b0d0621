"""Brevitas module -> QONNX file whose nodes and tensors carry the names of the module's layers.

`levelone.quant.export.names` says which name a tensor gets. Nothing here needs a recipe or a system: any
module of Brevitas' layers will do.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import onnx
import torch
from torch import nn

from levelone.errors import LeveloneError
from levelone.files import write_bytes
from levelone.quant.export.inputs import ordered_inputs
from levelone.quant.export.rewrite import padding_into_pools, renamed
from levelone.quant.export.trace import trace

Examples = torch.Tensor | Sequence[torch.Tensor] | Mapping[str, torch.Tensor]
"""One example input, several in the order of the arguments, or by the names of the arguments."""


def export_qonnx(
    module: nn.Module,
    example_inputs: Examples,
    path: Path | str,
    *,
    metadata: Mapping[str, object] | None = None,
    outputs: Sequence[str] | None = None,
) -> Path:
    """Write a quantised module as QONNX; see `to_qonnx`.

    Parameters
    ----------
    path
        Target file, written atomically.

    Returns
    -------
    Path
        `path`.

    Raises
    ------
    LeveloneError
        As `to_qonnx`, or if the file cannot be written.
    """
    model = to_qonnx(module, example_inputs, metadata=metadata, outputs=outputs)
    write_bytes(Path(path), model.SerializeToString(deterministic=True))
    return Path(path)


def to_qonnx(
    module: nn.Module,
    example_inputs: Examples,
    *,
    metadata: Mapping[str, object] | None = None,
    outputs: Sequence[str] | None = None,
) -> onnx.ModelProto:
    """A quantised module as a QONNX model, its tensors named after the module's own attributes.

    A layer's result is called after the layer's path: ``features.c1`` gives ``features_c1``, its parameters
    ``features_c1_weight`` and ``features_c1_bias`` (quantised values), what it computes on the way
    ``features_a1_relu``. A layer that is called twice gives ``c1_1`` and ``c1_2``. What a ``forward`` does
    without a layer is called after what it does and where: ``add``, ``features_concat``; several of a kind
    are numbered. The first axis of inputs and outputs is called ``batch``. The model holds no paths and no
    stack traces, and the same module gives the same bytes.

    The module stays as it is: a copy in evaluation mode is exported.

    Parameters
    ----------
    module
        Any that Brevitas can export: layers of ``brevitas.nn``, torch's own, functions, nested at will.
    example_inputs
        The arguments of ``module.forward``: float tensors with a batch axis of any length, channels first;
        only shapes matter. The argument names become those of the graph's inputs.
    metadata
        Becomes the JSON text of the model's metadata entry ``levelone``.
    outputs
        What the results must be called, in the order in which the module returns them; not checked if None.

    Raises
    ------
    LeveloneError
        If the module cannot be called or exported (the message names the layer), holds no quantiser or one
        that is not for integers, or changes the batch axis.
    """
    if not isinstance(module, nn.Module):
        raise LeveloneError(f"export: expected a torch.nn.Module, found {type(module).__name__}")
    examples = ordered_inputs(module, example_inputs)
    traced = trace(module, examples)
    padding_into_pools(traced.model.graph)
    model = renamed(traced, list(examples), outputs)
    if metadata is not None:
        onnx.helper.set_model_props(model, {"levelone": json.dumps(dict(metadata), sort_keys=True)})
    onnx.checker.check_model(model)
    return model


__all__ = ["export_qonnx", "to_qonnx"]
