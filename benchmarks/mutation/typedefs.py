"""Faults in the types of the firmware."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.mutation.edits import Edit, Fault, owner, text_of
from levelone.hls.ap_fixed import ApFixed
from levelone.verify.hls.fixed import parse_type

FILE = "firmware/defines.h"
MORE = "one integer bit more"

_TYPEDEF = re.compile(r"^typedef (?P<text>.*?(?P<core>ap_u?fixed<[^<>]*>).*?) (?P<name>\w+);", re.MULTILINE)
_MODES = ("TRN", "TRN_ZERO", "RND", "RND_ZERO", "RND_INF", "RND_MIN_INF", "RND_CONV")


def type_faults(project: Path, layers: Sequence[str]) -> Iterator[Fault]:
    """Widths, signs, rounding and saturation modes of every type of a layer; old ones that are comments."""
    text = text_of(project, FILE)
    outputs = _outputs(project)
    for found in _TYPEDEF.finditer(text):
        name, fixed = found["name"], parse_type(found["core"])
        stem = outputs.get(name, name.removesuffix("_t"))
        layer = owner(stem, layers)
        if fixed is None or layer is None or name.endswith(("_table_t", "_index_t")):
            continue
        for kind, what, other in _other_types(fixed):
            text_now = other.ap if not other.exact else _spelled(other)
            wider = name.endswith("_accum_t") and what == MORE
            edit = Edit(FILE, *found.span("core"), text_now)
            yield Fault("wider accumulator" if wider else kind, layer, f"{name}: {what}", (edit,), wider)
        narrow = _spelled(ApFixed(1, fixed.exponent, fixed.signed))
        a, b = (at - found.start() for at in found.span("core"))
        line = f"{found[0][:a]}{narrow}{found[0][b:]}\n/*\n{found[0]}\n*/"
        if fixed.width > 1:
            edit = Edit(FILE, *found.span(), line)
            yield Fault("commented out", layer, f"{name} is {narrow}, the old type is a comment", (edit,))


def _outputs(project: Path) -> dict[str, str]:
    """Type names of outputs, which hls4ml calls after the port, by layer."""
    text = next((project / "firmware").glob("*.cpp")).read_text(encoding="utf-8")
    return dict(re.findall(r'save_layer_output<(\w+)>\(\w+, "(\w+)"', text))


def _spelled(fixed: ApFixed) -> str:
    return f"ap_{'' if fixed.signed else 'u'}fixed<{fixed.width},{fixed.integer}>"


def _other_types(fixed: ApFixed) -> Iterator[tuple[str, str, ApFixed]]:
    def made(width: int, exponent: int, signed: bool, rounding: str, saturation: str) -> ApFixed:
        return ApFixed(width, exponent, signed, rounding, saturation)

    w, e, s, r, o = fixed.width, fixed.exponent, fixed.signed, fixed.rounding, fixed.saturation
    if w > 1:
        yield "width", "one integer bit less", made(w - 1, e, s, r, o)
        yield "width", "one fraction bit less", made(w - 1, e + 1, s, r, o)
    yield "width", MORE, made(w + 1, e, s, r, o)
    yield "sign", "unsigned" if s else "signed", made(w, e, not s, r, o)
    modes = _MODES if not fixed.exact else ("RND",)
    for mode in modes:
        if mode != r:
            yield "rounding", f"AP_{mode}", made(w, e, s, mode, o)
    for mode in ("WRAP", "SAT", "SAT_ZERO", *(("SAT_SYM",) if s else ())) if not fixed.exact else ("SAT",):
        if mode != o:
            yield "saturation", f"AP_{mode}", made(w, e, s, r, mode)
