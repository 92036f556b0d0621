"""Brevitas module -> QONNX file whose nodes and tensors carry the names of the module's layers.

`levelone.quant.export.names` says which name a tensor gets. Nothing here needs a recipe or a system: any
module of Brevitas' layers will do.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from onnx import checker, helper
from torch import nn

from levelone.errors import LeveloneError
from levelone.files import write_bytes
from levelone.quant.export.inputs import ordered_inputs
from levelone.quant.export.rewrite import padding_into_pools, renamed
from levelone.quant.export.trace import trace


def export_qonnx(
    module: nn.Module,
    example_inputs: torch.Tensor | Sequence[torch.Tensor] | Mapping[str, torch.Tensor],
    path: Path | str,
    *,
    metadata: Mapping[str, object] | None = None,
    outputs: Sequence[str] | None = None,
) -> Path:
    """Write a quantised module as QONNX, its tensors named after its own attributes.

    A layer's result is called after the layer's path: ``features.c1`` gives ``features_c1``, its parameters
    ``features_c1_weight`` and ``features_c1_bias`` (quantised values), what it computes on the way
    ``features_a1_relu``. A layer that is called twice gives ``c1_1`` and ``c1_2``. What a ``forward`` does
    without a layer is called after what it does and where: ``add``, ``features_concat``; several of a kind
    are numbered. The first axis of inputs and outputs is called ``batch``. The file holds no paths and no
    stack traces, and the same module gives the same bytes.

    The module stays as it is: a copy in evaluation mode is exported.

    Parameters
    ----------
    module
        Any that Brevitas can export: layers of ``brevitas.nn``, torch's own, functions, nested at will.
    example_inputs
        The arguments of ``module.forward``, float tensors with a batch axis of any length; only shapes
        matter. One tensor, several in the order of the arguments, or a mapping from argument names. The
        argument names become those of the graph's inputs.
    path
        Target file, written atomically.
    metadata
        Becomes the JSON text of the model's metadata entry ``levelone``.
    outputs
        What the results must be called, in the order in which the module returns them; not checked if None.

    Returns
    -------
    Path
        `path`.

    Raises
    ------
    LeveloneError
        If the module cannot be called or exported (the message names the layer), holds no quantiser, changes
        the batch axis, or the file cannot be written.
    """
    if not isinstance(module, nn.Module):
        raise LeveloneError(f"export: expected a torch.nn.Module, found {type(module).__name__}")
    examples = ordered_inputs(module, example_inputs)
    traced = trace(module, examples)
    padding_into_pools(traced.model.graph)
    model = renamed(traced, list(examples), outputs)
    if metadata is not None:
        helper.set_model_props(model, {"levelone": json.dumps(dict(metadata), sort_keys=True)})
    checker.check_model(model)
    write_bytes(Path(path), model.SerializeToString(deterministic=True))
    return Path(path)


__all__ = ["export_qonnx"]
