"""Causes that the project's files show: another type, another number, replayed exactly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from functools import partial
from math import floor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.graph.operation import Op
from levelone.graph.ops import Affine, AveragePool, Conv, Lookup, MaxPool, Requantise, WeightedSum
from levelone.graph.values import Codes, IntRange
from levelone.hls.ap_fixed import ApFixed
from levelone.hls.operations.requantise import MODES
from levelone.hls.operations.window import AXES, hardware_axes
from levelone.hls.spec import Body, LayerSpec
from levelone.verify.hls.causes.case import Case, Hypothesis
from levelone.verify.hls.causes.replay import Counting, with_parameters
from levelone.verify.hls.causes.sums import cropped, flowed, place, typed
from levelone.verify.hls.firmware import PARAMETERS, WEIGHTS, CodeChange
from levelone.verify.hls.fixed import IN_WORDS, assign, overflow, wrap

SHOWN = 3
_BEFORE = {"pad_top": "pad_height", "pad_left": "pad_width"}
"""hls4ml's names of what levelone's own windows call otherwise."""
_REQUANTISATION = frozenset({"shift", "rounding", "lowest", "highest"})


def search(case: Case) -> Iterator[Hypothesis]:
    """Each deviation of the project that this layer sees, alone, and then all of them together."""
    yield from _geometry(case)
    told: dict[str, str] = {}
    if isinstance(case.evidence.node.op, WeightedSum):
        told |= {key: text for key in ("weight", "bias") if (text := _numbers_told(case, key))}
    elif numbers := _own_numbers_told(case):
        told["numbers"] = numbers
    for change in case.changed_types():
        if change.key in ("accum", "result", "weight", "bias"):
            told[f"{change.key} type"] = _type_told(case, change.key, change.name, change.meant, change.found)
    if _readable(case):
        told["settings"] = _settings_told(case)
    for number in range(len(case.evidence.node.inputs)):
        port = _port_told(case, number)
        if port is not None:
            told[f"port {number}"] = port
    for what, text in told.items():
        yield Hypothesis(_kind(what), text, lambda x, w=what: _replay(case, {w}, x))
    if len(told) > 1:
        both = "; and ".join(told.values())
        yield Hypothesis("several", both, lambda x: _replay(case, set(told), x))


def _kind(what: str) -> str:
    names = {
        "accum type": "accumulator type",
        "weight": "weight code",
        "bias": "bias code",
        "numbers": "table entry",
        "settings": "configuration",
    }
    return "port type" if what.startswith("port") else names.get(what, what)


def _replay(case: Case, applied: set[str], operands: tuple[Codes, ...]) -> NDArray[Any]:
    """What the layer gives if only the deviations called `applied` hold."""
    op: Op | Counting = case.evidence.node.op
    x = tuple(
        _as_read(case, i, codes) if f"port {i}" in applied else codes for i, codes in enumerate(operands)
    )
    result = case.now("result") if "result type" in applied else None
    accumulator = case.now("accum") if "accum type" in applied else None
    if isinstance(op, WeightedSum):
        # Other numbers may not fit the types that were chosen for the graph's own.
        changed = _with_firmware_numbers(case, op, applied)
        types = (accumulator or case.meant("accum"), result or case.meant("result"))
        return typed(case, changed, x, *types)
    own = _own_body(case)
    if applied & {"numbers", "settings"}:
        op = _as_configured(case, applied)
    source = case.graph.values[case.evidence.node.inputs[0]]
    if own is None and isinstance(op, Requantise) and op.is_cast(source) and result is not None:
        return _on_recorded_grid(case, assign(x[0], case.operand(0)[1], result), result)
    made = op.evaluate(*x)
    if isinstance(op, AveragePool) and accumulator is not None:
        made = _pooled_in(accumulator, op, x[0].shape[1:-1], made, own is not None)
    if result is None:
        return made
    if own is not None and not isinstance(op, MaxPool):  # levelone's own bodies move codes, not numbers
        return _on_recorded_grid(case, wrap(made.astype(object), result.width, result.signed), result)
    return _on_recorded_grid(case, assign(made, case.exponent, result), result)


def _own_body(case: Case) -> Body | None:
    """The body of a layer that hls4ml lacks; None for hls4ml's own layers."""
    return None if case.spec is None else case.spec.body


def _pooled_in(
    accumulator: ApFixed, op: AveragePool, spatial: tuple[int, ...], made: NDArray[Any], own: bool
) -> NDArray[Any]:
    """Means whose sums went through a register.

    The code of a mean is the sum under the window. hls4ml's register holds it on the grid after the division,
    so times the divisor; levelone's own holds the plain sum, to be multiplied at the end.
    """
    wide = made.astype(object)
    if not own:
        divisor = op.divisor(spatial)
        return overflow(wide * divisor, accumulator) // divisor
    factors = op.factors(spatial)[..., None].astype(object)
    return wrap(wide // factors, accumulator.width, accumulator.signed) * factors


def _on_recorded_grid(case: Case, codes: NDArray[Any], fixed: ApFixed) -> NDArray[Any]:
    shift = fixed.exponent - case.exponent
    return codes * 2**shift if shift >= 0 else codes // 2**-shift


def _as_read(case: Case, number: int, codes: Codes) -> NDArray[Any]:
    """Codes of a port after the firmware's own type of it."""
    name, exponent = case.operand(number)
    fixed = case.firmware.types.get((name, "result"))
    if fixed is None:
        return codes
    made = assign(codes, exponent, fixed)
    shift = fixed.exponent - exponent
    return (made * 2**shift if shift >= 0 else made // 2**-shift).astype(np.int64)


def _with_firmware_numbers(case: Case, op: WeightedSum, applied: set[str]) -> WeightedSum:
    spec = case.spec
    if spec is None or not applied & {"weight", "bias", "weight type", "bias type"}:
        return op
    found: dict[str, NDArray[np.int64]] = {}
    for key in ("weight", "bias"):
        parameter = spec.parameters[key]
        codes = parameter.codes
        numbers = case.firmware.numbers.get((case.layer, key))
        fixed = case.now(key) if f"{key} type" in applied else ApFixed.of(parameter.type)
        reals = [Fraction(int(c)) * Fraction(2) ** parameter.type.exponent for c in _stored(case, key, codes)]
        if numbers is not None and key in applied:
            reals = numbers
        if fixed is not None:
            held = [_held(real, fixed, parameter.type.exponent) for real in reals]
            codes = _unstored(case, key, np.array(held, dtype=np.int64), codes.shape)
        found[key] = codes
    if not isinstance(op, Conv):
        return with_parameters(op, found["weight"].reshape(op.weights.shape), found["bias"])
    return _written_out(case, op, spec, found)


def _held(real: Fraction, fixed: ApFixed, exponent: int) -> int:
    """The code, on the grid ``2**exponent``, of a number after its assignment to a type."""
    code = int(overflow(np.array([floor(real / Fraction(2) ** fixed.exponent)], dtype=object), fixed)[0])
    return floor(Fraction(code) * Fraction(2) ** (fixed.exponent - exponent))


def _written_out(case: Case, op: Conv, spec: LayerSpec, found: Mapping[str, NDArray[np.int64]]) -> Conv:
    """The convolution as the firmware has it: dilation and groups written out, perhaps one row more."""
    if spec.body is not None:  # a layer of levelone's own knows groups and dilation
        return replace(op, weights=found["weight"], bias=found["bias"])
    weights, groups = found["weight"], 1
    if spec.kind.startswith("Depthwise"):
        weights, groups = np.swapaxes(weights, -1, -2), op.groups
    x, out = case.graph.values[case.evidence.node.inputs[0]], case.evidence.found.shape[1:]
    pads = []
    for n, o, s, k, (begin, _) in zip(x.shape, out, op.stride, weights.shape, op.pads, strict=False):
        pads.append((begin, max(0, (o - 1) * s + k - n - begin)))
    ones = (1,) * len(pads)
    return replace(op, weights=weights, bias=found["bias"], pads=tuple(pads), dilation=ones, groups=groups)


def _outputs_first(case: Case) -> bool:
    """Whether headers list the weights of one output after the other: hls4ml's own layers sometimes do."""
    spec = case.spec
    return spec is not None and spec.outputs_first


def _stored(case: Case, key: str, codes: NDArray[np.int64]) -> list[int]:
    """Codes in the order of the header."""
    if _outputs_first(case):
        codes = np.moveaxis(codes, -1, 0)
    return [int(c) for c in codes.reshape(-1)]


def _unstored(case: Case, key: str, flat: NDArray[np.int64], shape: tuple[int, ...]) -> NDArray[np.int64]:
    if _outputs_first(case):
        return np.moveaxis(flat.reshape(shape[-1], *shape[:-1]), 0, -1)
    return flat.reshape(shape)


def _numbers_told(case: Case, key: str) -> str:
    changes = [c for c in case.firmware.code_changes if (c.layer, c.key) == (case.layer, key)]
    spec = case.spec
    if not changes or spec is None or key not in spec.parameters:
        return ""
    exponent = spec.parameters[key].type.exponent
    shape = spec.parameters[key].codes.shape
    shown = [_number_told(case, change, exponent, shape) for change in changes[:SHOWN]]
    more = f"; and {len(changes) - SHOWN} more" if len(changes) > SHOWN else ""
    return f"{WEIGHTS}{case.layer}_{key}.h holds other numbers than the graph: {'; '.join(shown)}{more}"


def _own_numbers_told(case: Case) -> str:
    """Changed numbers of a layer that is no sum: tables, factors, thresholds."""
    changes = [c for c in case.firmware.code_changes if c.layer == case.layer]
    shown = [f"{c.key} number {c.index} is {c.found} instead of {c.meant}" for c in changes[:SHOWN]]
    more = f"; and {len(changes) - SHOWN} more" if len(changes) > SHOWN else ""
    return f"{WEIGHTS}{case.layer}_*.h hold other numbers: {'; '.join(shown)}{more}" if changes else ""


def _readable(case: Case) -> bool:
    """Whether changed settings are those that `_as_configured` reads."""
    body = _own_body(case)
    return body is not None and not _REQUANTISATION.isdisjoint(case.settings) and "shift" in body.constants


def _settings_told(case: Case) -> str:
    changes = [
        f"{key} is {found}, convert had written {meant}" for key, (meant, found) in case.settings.items()
    ]
    return f"in the configuration of {case.layer} in {PARAMETERS}: {'; '.join(changes)}"


def _geometry(case: Case) -> Iterator[Hypothesis]:
    """The strides, paddings and dilations that the layer's configuration has now."""
    op = case.evidence.node.op
    if not isinstance(op, (Conv, MaxPool, AveragePool)):
        return
    if _own_body(case) is None:  # hls4ml's layers have as many axes as the window
        order: tuple[int | None, ...] = (*(None,) * (len(AXES) - op.window.rank), *range(op.window.rank))
    else:
        order = hardware_axes(
            op.window, case.evidence.operands[0].shape[1:-1], case.evidence.found.shape[1:-1]
        )
    place_of = dict(zip(AXES, order, strict=True))
    now = {"stride": list(op.stride), "dilation": list(op.dilation), "pad": [begin for begin, _ in op.pads]}
    kind = ""
    for key, (_, found) in case.settings.items():
        what, _, axis = _BEFORE.get(key, key).partition("_")
        at = place_of.get(axis)
        if what in now and at is not None and found.isdigit():
            now[what][at] = int(found)
            kind = "padding" if what == "pad" else what
    if kind and min(now["stride"]) > 0 and min(now["dilation"]) > 0:
        pads = tuple((begin, end) for begin, (_, end) in zip(now["pad"], op.pads, strict=True))
        moved = replace(op, stride=tuple(now["stride"]), dilation=tuple(now["dilation"]), pads=pads)
        yield Hypothesis(kind, _settings_told(case), partial(cropped, case, moved))
        yield Hypothesis(kind, _settings_told(case), partial(flowed, case, moved))


def _as_configured(case: Case, applied: set[str]) -> Op | Counting:
    """The operation that the project's own numbers, or settings, stand for."""
    op, spec = case.evidence.node.op, case.spec
    if spec is None or spec.body is None:
        return op
    numbers = case.firmware.numbers if "numbers" in applied else {}
    found = {
        key: numbers.get((case.layer, key)) or [Fraction(int(c)) for c in parameter.codes.reshape(-1)]
        for key, parameter in spec.parameters.items()
    }
    if any(number.denominator != 1 for entries in found.values() for number in entries):
        return op
    codes = {
        key: np.array([int(number) for number in entries], dtype=np.int64) for key, entries in found.items()
    }
    if isinstance(op, Affine) and {"factor", "term"} <= codes.keys():
        factor, term = (tuple(codes[key].tolist()) for key in ("factor", "term"))
        return replace(op, factor=factor, term=term)
    if isinstance(op, Lookup) and "table" in codes:
        table = codes["table"].reshape(spec.parameters["table"].codes.shape)
        return replace(op, table=table, lowest=case.graph.values[case.evidence.node.inputs[0]].range.lo)
    if isinstance(op, Requantise) and {"first", "falling", "step"} <= codes.keys():
        return Counting(codes["first"], codes["falling"], codes["step"].reshape(len(codes["first"]), -1))
    if isinstance(op, Requantise) and {"factor", "term"} <= codes.keys() and "shift" in spec.body.constants:
        settings = {key: int(value) for key, value in spec.body.constants.items()}
        if "settings" in applied:
            settings |= {key: int(now) for key, (_, now) in case.settings.items() if key in _REQUANTISATION}
        modes = {number: mode for mode, number in MODES.items()}
        clip = IntRange(settings["lowest"], max(settings["lowest"], settings["highest"]))
        if settings["rounding"] not in modes or settings["shift"] < 0:
            return op
        more = codes.get("more", np.zeros_like(codes["factor"]))
        units = [2 ** (settings["shift"] + int(further)) for further in more]
        multiplier, offset = (
            tuple(Fraction(int(n), unit) for n, unit in zip(codes[key], units, strict=True))
            for key in ("factor", "term")
        )
        mode = modes[settings["rounding"]]
        return replace(op, multiplier=multiplier, offset=offset, rounding=mode, range=clip, zero_point=0)
    return op


def _number_told(case: Case, change: CodeChange, exponent: int, shape: tuple[int, ...]) -> str:
    op, flat = case.evidence.node.op, np.zeros(int(np.prod(shape)), dtype=np.int64)
    flat[change.index] = 1
    at = tuple(int(i) for i in np.argwhere(_unstored(case, change.key, flat, shape))[0])
    if isinstance(op, Conv) and change.key == "weight" and op.groups > 1 and at[-1] == 0 and shape[-1] == 1:
        at = (*at[:-2], 0, at[-2])  # depthwise: [*kernel, channel, multiplier]
    own = len(op.own) if isinstance(op, WeightedSum) else 0
    where = place(at, own) if change.key == "weight" else f"channel {at[-1]}"
    meant, found = (_code(number, exponent) for number in (change.meant, change.found))
    return f"{change.key} code {found} instead of {meant} at {where} (number {change.index} in the file)"


def _code(number: Fraction, exponent: int) -> str:
    code = number / Fraction(2) ** exponent
    return str(code) if code.denominator == 1 else f"{float(code):g}"


def _type_told(case: Case, key: str, name: str, meant: str, found: str) -> str:
    told = f"{name} is {found} in firmware/defines.h, convert had chosen {meant}"
    fixed = case.now(key)
    wanted = case.meant(key)
    if fixed is None or wanted is None:
        return told
    parts = []
    lost = fixed.exponent - wanted.exponent
    if lost > 0:
        parts.append(f"it lacks the last {lost} bit{'s' * (lost > 1)} and {IN_WORDS[fixed.rounding]}")
    elif fixed.rounding != wanted.rounding:
        parts.append(f"it {IN_WORDS[fixed.rounding]}, where it should be: {IN_WORDS[wanted.rounding]}")
    holds = [ApFixed(f.width, 0, f.signed, saturation=f.saturation).range for f in (fixed, wanted)]
    scale = [Fraction(2) ** (f.exponent - wanted.exponent) for f in (fixed, wanted)]
    ends = [(r.lo * s, r.hi * s) for r, s in zip(holds, scale, strict=True)]
    if ends[0][0] > ends[1][0] or ends[0][1] < ends[1][1]:
        parts.append(
            f"too narrow: it holds {ends[0][0]} to {ends[0][1]} and {IN_WORDS[fixed.saturation]}, "
            f"{ends[1][0]} to {ends[1][1]} was provided for"
        )
    elif fixed.saturation != wanted.saturation:
        parts.append(f"it {IN_WORDS[fixed.saturation]}, where it should be: {IN_WORDS[wanted.saturation]}")
    return f"{told} ({'; '.join(parts)})" if parts else told


def _port_told(case: Case, number: int) -> str | None:
    name, _ = case.operand(number)
    change = next((c for c in case.firmware.type_changes if c.layer == name and c.key == "result"), None)
    if change is None or case.evidence.node.inputs[number] not in {p.value.name for p in case.graph.inputs}:
        return None
    return (
        f"the input port's type {change.name} is {change.found} in firmware/defines.h, convert had chosen "
        f"{change.meant}: the layer does not read the codes that were sent"
    )
