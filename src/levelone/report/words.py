"""Facts of a project in a few words, the same on the command line and on the page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any


def proof_in_words(proof: Mapping[str, Any] | None) -> str:
    """How a layer was proven to be exact, and what that saved; empty where its type alone is the proof."""
    if proof is None:
        return ""
    if proof["method"] == "range":
        saved = proof["width_only_bits"] - proof["accumulator_bits"]
        return f"accumulator {proof['accumulator_bits']} bits" + (f" ({saved} saved)" if saved else "")
    if proof["method"] == "scaling":
        how = f"{proof['multiplier_bits']}-bit multiplier, shift {proof['shift']}"
    elif proof["method"] == "thresholds":
        how = f"{proof['thresholds']} thresholds"
    else:
        return str(proof["method"])
    tried = "every code" if proof["exhaustive"] else f"{proof['checked']:,} codes at the steps"
    return f"{how}: {tried} tried"


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
    sums = [proof for proof in proofs if proof["method"] == "range"]
    scalings = [proof for proof in proofs if proof["method"] in ("scaling", "thresholds")]
    lines = []
    if sums:
        saved = sum(proof["width_only_bits"] - proof["accumulator_bits"] for proof in sums)
        lines.append(
            f"{len(sums)} accumulators hold every reachable sum, "
            f"{saved} bits less in all than widths and fan-in alone ask for"
        )
    if scalings:
        checked, reachable = (sum(proof[key] for proof in scalings) for key in ("checked", "reachable"))
        how = (
            f"{checked:,} tried, the others lie between two of them on one step"
            if checked < reachable
            else "each was tried"
        )
        lines.append(
            f"{len(scalings)} requantisations equal the exact ones for all {reachable:,} reachable codes"
            f" ({how})"
        )
    return lines


def ties_in_words(ties: Mapping[str, Any], who: str) -> str:
    """One line about codes that a float execution rounds otherwise, for no fault of the firmware."""
    first = ties["example"]
    place = f"{first['layer']} event {first['event']} position {first['position']} channel {first['channel']}"
    return (
        f"float32 rounds {ties['count']:,} codes of {who} to the other neighbour, e.g. {place}: "
        f"{first['exact']} is next to {first['border']}, exact {first['expected']}, float {first['found']}"
    )


def float_in_words(line: Mapping[str, Any]) -> str:
    """How qonnx's float32 execution differs from the exact meaning; never a part of the verdict."""
    if line["reason"]:
        return f"float32: not compared; {line['reason']}"
    looked = f"{line['compared']:,} codes of {line['events']:,} vectors"
    other = line["other"]
    told = [f"float32: qonnx's execution of the file against the exact meaning, {looked}"]
    if line["ties"]["count"]:
        told.append(ties_in_words(line["ties"], "these"))
    if other["count"]:
        told.append(
            f"WARNING: {other['count']:,} codes of {', '.join(other['layers'])} differ and are no ties: "
            f"float32 loses more than one rounding there"
        )
    return "; ".join(told) if len(told) > 1 else f"{told[0]}: all equal"
