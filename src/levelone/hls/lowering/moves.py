"""Adding, concatenating and moving codes."""

from __future__ import annotations

from levelone.graph.ops import Add, Concat, Dense, Reshape, Transpose
from levelone.hardware.types import exponent_of, value_type
from levelone.hls.layers.copy import lower_copy
from levelone.hls.layers.gather import lower_gather
from levelone.hls.layers.merge import lower_any_add, lower_any_concat
from levelone.hls.lowering.spec import LayerSpec, Site


def lower_add(op: Add, site: Site) -> list[LayerSpec]:
    """`Add`: hls4ml's layer for equal shapes, our own where one operand is repeated."""
    a, b = site.operands
    if a.shape != b.shape:
        return lower_any_add(op, site)
    return [
        LayerSpec(
            site.name,
            "Merge",
            site.inputs,
            site.output.shape,
            value_type(site.output),
            attributes={"op": "add"},
            value=site.output,
        )
    ]


def lower_concat(op: Concat, site: Site) -> list[LayerSpec]:
    """`Concat`: hls4ml's layer, which joins two tensors at a time, up to three axes; our own beyond."""
    if len(site.inputs) == 1:
        return lower_copy(site)
    rank = len(site.output.shape)
    if rank > 3 or len({exponent_of(operand) for operand in site.operands}) > 1:
        return lower_any_concat(op, site)
    result = value_type(site.output)
    specs: list[LayerSpec] = []
    source, shape = site.inputs[0], site.operands[0].shape
    for number, (name, operand) in enumerate(zip(site.inputs[1:], site.operands[1:], strict=True), start=2):
        last = number == len(site.inputs)
        joined = list(shape)
        joined[op.axis] += operand.shape[op.axis]
        shape = tuple(joined)
        made = site.name if last else f"{site.name}_first{number}"
        specs.append(
            LayerSpec(
                made,
                "Concatenate",
                (source, name),
                shape,
                result,
                attributes={"op": f"concatenate{rank}d", "axis": op.axis + 1},  # hls4ml counts the batch axis
                value=site.output if last else None,
            )
        )
        source = made
    return specs


def lower_reshape(op: Reshape, site: Site) -> list[LayerSpec]:
    """`Reshape`: another view of the same array; a copy where it leaves the top function or changes beats.

    A view cannot be a port of its own. In a stream, another shape is other beats, with one exception: a
    single dense or concatenating layer gathers the beats of a flattened tensor by itself. (hls4ml lets every
    layer read a flattened stream; an activation then reads past a beat's end. Its own repacking wants beats
    that divide each other.)
    """
    gathered = len(op.shape) == 1 and len(site.readers) == 1 and isinstance(site.readers[0], (Dense, Concat))
    if site.is_output or (site.stream and not gathered):
        return lower_copy(site)
    return [
        LayerSpec(
            site.name,
            "Reshape",
            site.inputs,
            site.output.shape,
            value_type(site.output),
            attributes={"target_shape": list(op.shape)},
            value=site.output,
        )
    ]


def lower_transpose(op: Transpose, site: Site) -> list[LayerSpec]:
    """`Transpose`: hls4ml's layer up to three axes, our own beyond and where channels stay together.

    hls4ml keeps the whole of a stream in registers, and takes every permutation of two axes for an exchange.
    """
    if op.axes == tuple(range(len(op.axes))):
        return lower_copy(site)
    if len(op.axes) > 3 or (site.stream and op.axes[-1] == len(op.axes) - 1):
        return lower_gather(op, site)
    return [
        LayerSpec(
            site.name,
            "Transpose",
            site.inputs,
            site.output.shape,
            value_type(site.output),
            attributes={"perm": list(op.axes)},
            value=site.output,
        )
    ]
