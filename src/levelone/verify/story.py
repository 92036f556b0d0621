"""A diagnosis as sentences for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

SHOWN_TERMS = 12
SHOWN_LINES = 5


def tell(result: Mapping[str, Any]) -> list[str]:
    """Lines of text for what `levelone.verify.diagnosis.diagnose` returns."""
    first = result["first"]
    if first is None:
        if result["verdict"] == "exact":
            return [
                "no difference: every code of every layer and output is the reference's, "
                f"{result['vectors']:,} vectors"
            ]
        if result["ports"]:
            return [*_ports(result), *_edited(result)]
        if result["findings"] and not result["reason"]:
            equal = f"no integer differs in {result['vectors']:,} vectors, but not all is as it was proven:"
            return [equal, *(f"  {f['file']}: {f['text']}" for f in result["findings"])]
        return [f"no integer differs in {result['vectors']:,} vectors, but: {result['reason']}"]
    lines = [
        f"first difference: {_place(first)}, event {first['event']}",
        f"  expected {first['expected']}, found {first['found']} ({_lsb(first['lsb'])})",
        *("  " + line for line in _made_of(first)),
        f"  {_counted(first['codes'], 'code')} of {first['layer']} in {_counted(first['events'], 'event')} "
        f"{'is' if first['codes'] == 1 else 'are'} wrong on operands that are right",
        *_cause(first["cause"]),
    ]
    for fault in result["others"]:
        lines += [
            f"also at fault, on the operands that it got: {_place(fault)}, event {fault['event']}: "
            f"expected {fault['expected']}, found {fault['found']}",
            *_cause(fault["cause"]),
        ]
    faulty = [layer["name"] for layer in result["layers"] if layer["state"] == "at fault"]
    told = {first["layer"], *(fault["layer"] for fault in result["others"])}
    if rest := [name for name in faulty if name not in told]:
        lines.append(f"at fault as well, not looked into: {', '.join(rest)}")
    lines += _follows(result["layers"])
    lines += _ports(result)
    lines += _edited(result)
    if result["left_out"]:
        lines.append(f"{_counted(result['left_out'], 'further vector')} not run: these show enough")
    if result["reason"]:
        lines.append(f"besides: {result['reason']}")
    return lines


def _ports(result: Mapping[str, Any]) -> list[str]:
    """Outputs that are changed on the way from their layer to the port."""
    lines = []
    for port in result["ports"]:
        position = f", position ({', '.join(map(str, port['position']))})" if port["position"] else ""
        lines.append(
            f"output {port['layer']} does not leave the hardware as it was recorded: event {port['event']}"
            f"{position}, channel {port['channel']}: expected {port['expected']}, found {port['found']}; "
            f"{_counted(port['codes'], 'code')} in all"
        )
    for change in result["edits"][:SHOWN_LINES] if lines and result["first"] is None else ():
        lines.append(_changed(change))
    return lines


def _edited(result: Mapping[str, Any]) -> list[str]:
    files = ", ".join(result["edited_files"])
    return [f"edited since the project was generated: {files}"] if files else []


def _changed(change: Mapping[str, Any]) -> str:
    place = change["file"] + (f" line {change['line']}" if change["line"] else "")
    return f"  {place}: {change['found'] or '(nothing)'}   was: {change['meant'] or '(nothing)'}"


def _place(fault: Mapping[str, Any]) -> str:
    position = f", position ({', '.join(map(str, fault['position']))})" if fault["position"] else ""
    return f"layer {fault['layer']} ({fault['op']}){position}, channel {fault['channel']}"


def _cause(cause: Mapping[str, Any]) -> list[str]:
    if cause["confirmed"]:
        proof = (
            f"  this reproduces all {cause['looked_at']:,} codes looked at, the right ones and the wrong ones"
        )
        lines = [f"cause: {cause['text']}", proof]
    elif cause["explained"]:
        part = f"{cause['explained']:,} of the {cause['looked_at']:,} codes looked at"
        lines = [f"cause, not certain: {cause['text']}", f"  this reproduces that integer and {part}"]
    elif cause["guess"] is not None:
        guess = cause["guess"]
        part = f"reproduces {guess['explained']:,} of the {cause['looked_at']:,} codes looked at"
        told = f"{guess['text']} ({part})" if guess["explained"] else guess["text"]
        lines = [f"cause, not certain: {cause['text']}", f"  without a look at the code: {told}"]
    else:
        lines = [f"cause not found: {cause['text']}"]
    return lines + [_changed(change) for change in cause["lines"][:SHOWN_LINES]]


def _made_of(fault: Mapping[str, Any]) -> list[str]:
    parts = fault["made_of"]
    if "terms" in parts:
        return _sum(parts, fault["types"])
    if "before_rounding" in parts:
        return _rounded(parts)
    shown = [f"{_named(element)} = {element['code']}" for element in parts["operands"]]
    return [f"made of {_some(shown)}" if shown else "is padding"]


def _named(element: Mapping[str, Any]) -> str:
    return f"{element['operand']}[{', '.join(map(str, element['at']))}]"


def _rounded(parts: Mapping[str, Any]) -> list[str]:
    number = parts["before_rounding"]
    shown = number if len(number) < 24 else f"{parts['as_decimal']:.12g}..."
    tie = " (a tie)" if parts["is_tie"] else ""
    terms = [f"code {element['code']} * {_short(element['multiplier'])}" for element in parts["operands"]]
    lines = [
        f"{' + '.join([*terms, _short(parts['offset'])])} = {shown}{tie},"
        f" rounded by {parts['rounding']}, clipped to {parts['clip'][0]} ... {parts['clip'][1]}"
    ]
    return lines + ([f"less the zero point {parts['zero_point']}"] if parts["zero_point"] else [])


def _sum(parts: Mapping[str, Any], types: Mapping[str, str]) -> list[str]:
    padding = f", {parts['in_padding']} in the padding" if parts["in_padding"] else ""
    lines = [f"sum of {_counted(parts['terms'], 'product')} ({_not_zero(parts['not_zero'])}{padding}):"]
    step = f" * {parts['step']}" if parts["step"] != 1 else ""
    width = max((len(str(term["product"])) for term in parts["operands"]), default=1)
    lines.append(f"  bias {parts['bias']}")
    shown = parts["operands"][:SHOWN_TERMS]
    several = len({term["operand"] for term in parts["operands"]}) > 1
    for term in shown:
        product = f"{term['code']} * {term['weight']}{step} = {term['product']:>{width}}"
        place = _named(term) if several else f"[{', '.join(map(str, term['at']))}]"
        lines.append(f"  {place} {product}   partial sum {term['partial_sum']}")
    if parts["not_zero"] > len(shown):
        lines.append(f"  ... and {parts['not_zero'] - len(shown)} more")
    lines.append(f"  sum {parts['sum']}")
    if "accum" in types:
        lines.append(f"accumulator {types['accum']}, result {types.get('result', '?')} in the project")
    return lines


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'s' * (count != 1)}"


def _not_zero(count: int) -> str:
    return f"{count} {'is' if count == 1 else 'are'} not zero"


def _follows(layers: Sequence[Mapping[str, Any]]) -> list[str]:
    by_source: dict[tuple[str, ...], list[str]] = {}
    for layer in layers:
        if layer["follows_from"]:
            by_source.setdefault(tuple(layer["follows_from"]), []).append(layer["name"])
    return [
        f"follow from {' and '.join(source)}, right on the operands that they got: {', '.join(names)}"
        for source, names in by_source.items()
    ]


def _some(elements: Sequence[str]) -> str:
    shown = ", ".join(elements[:SHOWN_TERMS])
    return shown + (f", ... ({len(elements)} in all)" if len(elements) > SHOWN_TERMS else "")


def _short(number: str) -> str:
    if len(number) < 16:
        return number
    top, _, bottom = number.partition("/")
    return f"{int(top) / int(bottom or 1):.9g}..."


def _lsb(count: int) -> str:
    return f"{count} LSB"
