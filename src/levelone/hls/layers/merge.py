"""`Add` and `Multiply` with broadcasting, `Concat` of any tensors: on codes, whatever their types."""

from __future__ import annotations

from math import prod

from levelone.errors import UnsupportedError
from levelone.graph.ir import IntRange, Value
from levelone.graph.ops import Add, Concat, Multiply
from levelone.hardware.types import value_type
from levelone.hls.lowering.spec import Body, LayerSpec, Site

HEADER = "levelone_merge.h"
AXES = ("depth", "height", "width", "channels")


def lower_any_add(op: Add, site: Site) -> list[LayerSpec]:
    """`Add`, one operand repeated along axes of length 1."""
    return _merge("Add", "levelone::add", site)


def lower_multiply(op: Multiply, site: Site) -> list[LayerSpec]:
    """`Multiply`, one operand repeated along axes of length 1."""
    return _merge("Multiply", "levelone::multiply", site)


def lower_any_concat(op: Concat, site: Site) -> list[LayerSpec]:
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
        value = site.output if last else joined(site.name, shape, value, operand)
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


def joined(name: str, shape: tuple[int, ...], a: Value, b: Value) -> Value:
    """What carries the codes of both, as plain integers."""
    reach = IntRange(min(a.range.lo, b.range.lo), max(a.range.hi, b.range.hi))
    return Value(name, shape, a.scale[:1], reach)


def _merge(kind: str, function: str, site: Site) -> list[LayerSpec]:
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
        LayerSpec(
            site.name,
            kind,
            site.inputs,
            site.output.shape,
            value_type(site.output),
            value=site.output,
            body=Body(HEADER, function, constants, shares=kind == "Multiply"),
        )
    ]


def _four(shape: tuple[int, ...]) -> tuple[int, ...]:
    return (1,) * (len(AXES) - len(shape)) + shape
