"""Facts of a project in a few words, the same on the command line and on the page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

LABELS = {"float": "float twin", "quantised": "quantised"}
"""What people call the two networks of a run."""


def proof_in_words(proof: Mapping[str, Any] | None) -> str:
    """How a layer was proven to be exact, and what that saved; empty where it computes no new number."""
    if proof is None:
        return ""
    if proof["method"] == "range":
        saved = _saved(proof)
        return f"{proof['of']} {proof['bits']} bits" + (f" ({saved} saved)" if saved else "")
    if proof["method"] == "scaling":
        how = f"{proof['multiplier_bits']}-bit multiplier, {_shifts(proof['shifts'])}"
    elif proof["method"] == "thresholds":
        how = f"{proof['thresholds']} thresholds"
    elif proof["method"] == "assignment":
        how = "the type rounds"
    else:
        return str(proof["method"])
    if proof["identical"]:
        return f"{how}: the very formula"
    tried = "every code" if proof["exhaustive"] else f"{proof['checked']:,} codes at the steps"
    return f"{how}: {tried} tried"


def _saved(proof: Mapping[str, Any]) -> int:
    """Bits that knowing the weights saves; 0 where there are none."""
    return int((proof.get("width_only_bits") or proof["bits"]) - proof["bits"])


def _shifts(shifts: Sequence[int]) -> str:
    low, high = min(shifts), max(shifts)
    return f"shift {low}" if low == high else f"shifts {low} to {high}"


def scale_in_words(scale: Sequence[str]) -> str:
    """A power of two as such, any other scale rounded for reading."""
    if len(scale) > 1:
        return "per channel"
    exact = Fraction(scale[0])
    exponent = exact.numerator.bit_length() - exact.denominator.bit_length()
    return f"2^{exponent}" if exact == Fraction(2) ** exponent else f"{float(exact):.4g}"


def proofs_in_words(layers: Iterable[Mapping[str, Any]]) -> list[str]:
    """All proofs of a project, one line for each kind; empty if it has none."""
    proofs = [layer["proof"] for layer in layers if layer.get("proof")]
    ranges = [proof for proof in proofs if proof["method"] == "range"]
    sums = [proof for proof in ranges if proof["of"] == "accumulator"]
    others = len(ranges) - len(sums)
    requantised = [p for p in proofs if p["method"] in ("scaling", "thresholds", "assignment")]
    fitting = []
    if sums:
        saved = f"{sum(map(_saved, sums))} bits fewer in all than widths and fan-in alone ask for"
        fitting.append(f"{counted(len(sums), 'accumulator')} ({saved})")
    if others:
        fitting.append(counted(others, "sum or product", "sums and products"))
    lines = [f"nothing overflows in {' and '.join(fitting)}"] if fitting else []
    if requantised:
        checked, reachable = (sum(proof[key] for proof in requantised) for key in ("checked", "reachable"))
        how = (
            f"{checked:,} tried, the others lie between two of them on one step or the formula is the same"
            if checked < reachable
            else "each was tried"
        )
        lines.append(
            f"all {reachable:,} reachable codes are exact in {counted(len(requantised), 'requantisation')} "
            f"({how})"
        )
    return lines


def counted(number: int, one: str, many: str = "") -> str:
    """``1 clock``, ``2,048 clocks``; `many` is for words that do not end in an s then."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def ties_in_words(ties: Mapping[str, Any], who: str) -> str:
    """One line about codes that a float execution rounds otherwise, for no fault of the firmware."""
    first = ties["example"]
    position = f" position {first['position']}" if first["position"] else ""
    place = f"{first['layer']} event {first['event']}{position} channel {first['channel']}"
    return (
        f"float32 rounds {counted(ties['count'], 'code')} of {who} to the other neighbour, e.g. {place}: "
        f"{first['exact']} is next to {first['border']} (float32 may be off by {first['reach']} there), "
        f"exact {first['expected']}, float {first['found']}"
    )


def systematic_in_words(ties: Mapping[str, Any]) -> list[str]:
    """Layers in which float32 is off one way only: no accident, but what the file means exactly."""
    opposite = {"above": "below", "below": "above"}
    return [
        f"WARNING: {layer} is systematically {opposite[found['float32']]} what float32 gives: in "
        f"{100 * found['share']:.3g} % of its codes, never the other way; its exact numbers are so near to "
        f"where rounding changes that float32 cannot tell them apart"
        for layer, found in ties["systematic"].items()
    ]


def float_in_words(line: Mapping[str, Any]) -> str:
    """How qonnx's float32 execution differs from the exact meaning; never a part of the verdict."""
    if line["reason"]:
        return f"float32: not compared; {line['reason']}"
    looked = f"{line['compared']:,} codes of {line['events']:,} vectors"
    other = line["other"]
    told = [f"float32: qonnx's execution of the file against the exact meaning, {looked}"]
    if line["ties"]["count"]:
        told.append(ties_in_words(line["ties"], "these"))
        told += systematic_in_words(line["ties"])
    if other["count"]:
        told.append(
            f"WARNING: {other['count']:,} codes of {', '.join(other['layers'])} differ and are no ties: "
            f"by several steps, or farther from the border than the roundings of float32 reach"
        )
    return "; ".join(told) if len(told) > 1 else f"{told[0]}: all equal"
