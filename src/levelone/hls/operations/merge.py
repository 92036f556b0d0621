"""`Add`, `Multiply` and `Concat`: hls4ml's layers where they are right, our own, on codes, elsewhere."""

from __future__ import annotations

from math import prod

from levelone.errors import UnsupportedError
from levelone.graph.ops import Add, Concat, Multiply
from levelone.graph.values import IntRange, Value
from levelone.hardware.proof import range_proof
from levelone.hardware.types import exponent_of, value_type
from levelone.hls.operations.reshape import lower_copy
from levelone.hls.spec import Body, LayerSpec, Site

HEADER = "levelone_merge.h"
AXES = ("depth", "height", "width", "channels")


def lower_add(op: Add, site: Site) -> list[LayerSpec]:
    """`Add`: hls4ml's layer for equal shapes, our own where an operand is repeated along axes of length 1."""
    a, b = site.operands
    if a.shape != b.shape:
        return _merge("Add", "levelone::add", "sum", site)
    proof = range_proof(site.name, "sum", site.output.range, value_type(site.output))
    return [site.layer("Merge", attributes={"op": "add"}, proof=proof)]


def lower_multiply(op: Multiply, site: Site) -> list[LayerSpec]:
    """`Multiply`, one operand repeated along axes of length 1."""
    return _merge("Multiply", "levelone::multiply", "product", site)


def lower_concat(op: Concat, site: Site) -> list[LayerSpec]:
    """`Concat`: hls4ml's layer, which joins two tensors at a time, up to three axes; our own beyond."""
    if len(site.inputs) == 1:
        return lower_copy(site)
    rank = len(site.output.shape)
    if rank > 3 or len({exponent_of(operand) for operand in site.operands}) > 1:
        return _lower_own_concat(op, site)
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


def _lower_own_concat(op: Concat, site: Site) -> list[LayerSpec]:
    """`Concat` along any axis of tensors of any scales, two at a time."""
    specs: list[LayerSpec] = []
    source, first = site.inputs[0], site.operands[0]
    rank = len(site.output.shape)
    length, value = first.shape[op.axis], first
    for number, (name, operand) in enumerate(zip(site.inputs[1:], site.operands[1:], strict=True), start=2):
        last = number == len(site.inputs)
        along_channels = op.axis == rank - 1
        lengths = (length, operand.shape[op.axis])
        inner = 1 if along_channels and site.stream else prod(first.shape[op.axis + 1 :])
        if site.stream and not along_channels:
            inner //= first.shape[-1]  # whole beats
        length += operand.shape[op.axis]
        shape = (*first.shape[: op.axis], length, *first.shape[op.axis + 1 :])
        value = site.output if last else _joined(site.name, shape, value, operand)
        made = site.name if last else f"{site.name}_first{number}"
        specs.append(
            LayerSpec(
                made,
                "Concat",
                (source, name),
                shape,
                value_type(value),
                value=site.output if last else None,
                body=Body(
                    HEADER,
                    "levelone::join_channels" if along_channels and site.stream else "levelone::concatenate",
                    {
                        "blocks": prod(first.shape[: op.axis]),
                        "a_block": lengths[0] * inner,
                        "b_block": lengths[1] * inner,
                        "a_size": prod(first.shape) // first.shape[op.axis] * lengths[0],
                        "b_size": operand.size,
                        "out_size": prod(shape),
                    },
                ),
            )
        )
        source = made
    return specs


def _joined(name: str, shape: tuple[int, ...], a: Value, b: Value) -> Value:
    """What carries the codes of both, as plain integers."""
    reach = IntRange(min(a.range.lo, b.range.lo), max(a.range.hi, b.range.hi))
    return Value(name, shape, a.scale[:1], reach)


def _merge(kind: str, function: str, what: str, site: Site) -> list[LayerSpec]:
    rank = len(site.output.shape)
    if rank > len(AXES):
        raise UnsupportedError(
            f"{site.name}: {kind} of tensors of {rank} axes; up to {len(AXES)} can be carried",
            hint="reshape both operands first",
        )
    shape = _four(site.output.shape)
    constants = dict(zip(AXES, shape, strict=True))
    for key, operand in zip("ab", site.operands, strict=True):
        own = _four(operand.shape)
        # strides in positions, 0 where the operand is repeated
        strides = [own[1] * own[2], own[2], 1]
        held = [0 if n == 1 else stride for n, stride in zip(own[:3], strides, strict=True)]
        constants |= {f"{key}_{axis}": stride for axis, stride in zip(AXES[:3], held, strict=True)}
        # what is repeated at once: all that is inside the outermost axis of repetition
        repeated = [n == 1 < whole for n, whole in zip(own[:3], shape[:3], strict=True)]
        outermost = repeated.index(True) if any(repeated) else len(repeated)
        constants |= {f"{key}_channels": own[3], f"{key}_held": prod(own[outermost + 1 : 3])}
        constants |= {f"{key}_slot_{AXES[i]}": held[i] if outermost < i else 0 for i in (1, 2)}
        constants[f"{key}_size"] = operand.size
    constants["out_size"] = site.output.size
    return [
        site.layer(
            kind,
            proof=range_proof(site.name, what, site.output.range, value_type(site.output)),
            body=Body(HEADER, function, constants, shares=kind == "Multiply"),
        )
    ]


def _four(shape: tuple[int, ...]) -> tuple[int, ...]:
    return (1,) * (len(AXES) - len(shape)) + shape
