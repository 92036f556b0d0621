"""Faults that are planted in a generated project: small edits of its text, listed by kind."""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from levelone.hls.ap_fixed import ApFixed
from levelone.hls.manifest import Manifest
from levelone.hls.operations.requantise import MODES
from levelone.verify.hls.fixed import parse_type

INVISIBLE = "stream depth"
"""Depths of FIFOs are hints to the synthesis tool: C simulation has streams without a limit."""

_ARRAY = re.compile(r"(?P<type>[\w:<>, -]+?) (?P<name>\w+)\[\d+\] = \{(?P<numbers>[^{}]*)\};")
_TYPEDEF = re.compile(r"^typedef (?P<text>.*?(?P<core>ap_u?fixed<[^<>]*>).*?) (?P<name>\w+);", re.MULTILINE)
_SETTING = re.compile(r"static const (?P<type>unsigned|long long) (?P<key>\w+) = (?P<value>-?\d+);")
_KINDS = {
    "weight": "weight code",
    "bias": "bias code",
    "factor": "factor",
    "term": "term",
    "first": "threshold",
    "falling": "threshold",
    "step": "threshold",
    "source": "source",
    "channel": "source",
}
"""Kind of a fault in the numbers of a parameter; any other parameter is a table."""
_MODES = ("TRN", "TRN_ZERO", "RND", "RND_ZERO", "RND_INF", "RND_MIN_INF", "RND_CONV")


@dataclass(frozen=True)
class Edit:
    """Characters `start` to `end` of a file become `text`."""

    file: str
    start: int
    end: int
    text: str


@dataclass(frozen=True)
class Fault:
    """A change of a generated project.

    Attributes
    ----------
    kind
        Its class in the score.
    layer
        Firmware name of the layer that it hits; None for code that all layers share.
    what
        In words.
    """

    kind: str
    layer: str | None
    what: str
    edits: tuple[Edit, ...]


def plant(project: Path, faults: Sequence[Fault]) -> None:
    """Edit the files of a project; the edits of one file must not overlap."""
    by_file: dict[str, list[Edit]] = {}
    for fault in faults:
        for edit in fault.edits:
            by_file.setdefault(edit.file, []).append(edit)
    for name, edits in by_file.items():
        text = (project / name).read_text(encoding="utf-8")
        for edit in sorted(edits, key=lambda e: -e.start):
            text = text[: edit.start] + edit.text + text[edit.end :]
        (project / name).write_text(text, encoding="utf-8")


def all_faults(manifest: Manifest, *, seed: int, per_array: int) -> list[Fault]:
    """Every fault that is known here, for one project.

    Parameters
    ----------
    seed
        Chooses the numbers of weights, biases and tables that are changed.
    per_array
        How many numbers per array.
    """
    project, layers = manifest.project, manifest.firmware_names
    rng = np.random.default_rng(seed)
    faults: list[Fault] = []
    for path in sorted((project / "firmware/weights").glob("*.h")):
        faults += _numbers(project, path, layers, rng, per_array)
    faults += _types(project, layers)
    faults += _settings(project, layers)
    faults += _top(project, manifest)
    faults += _buffers(project, rng, per_array)
    faults += _ports(project, manifest)
    faults += list(_shared(project))
    return faults


def _owner(name: str, layers: Sequence[str]) -> str | None:
    return next((layer for layer in layers if name == layer or name.startswith(f"{layer}_")), None)


def _numbers(
    project: Path, path: Path, layers: Sequence[str], rng: np.random.Generator, count: int
) -> Iterator[Fault]:
    file, text = path.relative_to(project).as_posix(), path.read_text(encoding="utf-8")
    found, layer = _ARRAY.search(text), _owner(path.stem, layers)
    if found is None or layer is None:
        return
    key = path.stem[len(layer) + 1 :]
    kind = _KINDS.get(key, "table entry")
    unit = _unit(project, found["type"].split()[-1])
    spans = [
        (m.start() + found.start("numbers"), m.end() + found.start("numbers"))
        for m in re.finditer(r"[^,\s]+", found["numbers"])
    ]
    values = [Fraction(text[a:b]) for a, b in spans]
    for i in sorted(rng.choice(len(spans), min(count, len(spans)), replace=False).tolist()):
        others = {"one up": values[i] + unit, "one down": values[i] - unit, "negated": -values[i]}
        for what, value in others.items():
            if value != values[i]:
                yield Fault(kind, layer, f"{path.stem}[{i}] {what}", (_at(file, spans[i], _real(value)),))
        j = next(
            (k % len(spans) for k in range(i + 1, i + len(spans)) if values[k % len(spans)] != values[i]),
            None,
        )
        if j is not None:
            swap = (_at(file, spans[i], _real(values[j])), _at(file, spans[j], _real(values[i])))
            yield Fault(kind, layer, f"{path.stem}[{i}] and [{j}] exchanged", swap)


def _at(file: str, span: tuple[int, int], text: str) -> Edit:
    return Edit(file, span[0], span[1], text)


def _unit(project: Path, type_name: str) -> Fraction:
    text = (project / "firmware/defines.h").read_text(encoding="utf-8")
    found = re.search(rf"typedef (.*) {re.escape(type_name)};", text)
    fixed = parse_type(found[1] if found is not None else type_name)
    return Fraction(1) if fixed is None else Fraction(2) ** fixed.exponent


def _real(value: Fraction) -> str:
    return str(value.numerator) if value.denominator == 1 else repr(float(value))


def _types(project: Path, layers: Sequence[str]) -> Iterator[Fault]:
    file = "firmware/defines.h"
    text = (project / file).read_text(encoding="utf-8")
    outputs = _outputs(project)
    for found in _TYPEDEF.finditer(text):
        name, fixed = found["name"], parse_type(found["core"])
        stem = outputs.get(name, name.removesuffix("_t"))
        layer = _owner(stem, layers)
        if fixed is None or layer is None or name.endswith(("_table_t", "_index_t")):
            continue
        for kind, what, other in _other_types(fixed):
            edit = Edit(file, *found.span("core"), other.ap if not other.exact else _spelled(other))
            yield Fault(kind, layer, f"{name}: {what}", (edit,))


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
    yield "width", "one integer bit more", made(w + 1, e, s, r, o)
    yield "sign", "unsigned" if s else "signed", made(w, e, not s, r, o)
    modes = _MODES if not fixed.exact else ("RND",)
    for mode in modes:
        if mode != r:
            yield "rounding", f"AP_{mode}", made(w, e, s, mode, o)
    for mode in ("WRAP", "SAT", "SAT_ZERO", *(("SAT_SYM",) if s else ())) if not fixed.exact else ("SAT",):
        if mode != o:
            yield "saturation", f"AP_{mode}", made(w, e, s, r, mode)


def _settings(project: Path, layers: Sequence[str]) -> Iterator[Fault]:
    file = "firmware/parameters.h"
    text = (project / file).read_text(encoding="utf-8")
    for heading, body_start, body_end in _sections(text, layers):
        settings = list(_SETTING.finditer(text, body_start, body_end))
        keys = {found["key"] for found in settings}
        for found in settings:
            key, value = found["key"], int(found["value"])
            for kind, other in _other_settings(key, value, keys):
                if other < 0 and found["type"] == "unsigned":
                    continue
                edit = Edit(file, *found.span("value"), str(other))
                yield Fault(kind, heading, f"{heading}: {key} = {other}, not {value}", (edit,))
        for old, new in (("nnet::Max;", "nnet::Average;"), ("nnet::Average;", "nnet::Max;")):
            at = text.find(old, body_start, body_end)
            if at >= 0:
                yield Fault("operation", heading, f"{heading}: {new}", (Edit(file, at, at + len(old), new),))
        strides = re.compile(r"perm_strides\[\d\] = \{\s*(\d+)\s*,\s*(\d+)").search(
            text, body_start, body_end
        )
        if strides is not None:
            edits = (Edit(file, *strides.span(1), strides[2]), Edit(file, *strides.span(2), strides[1]))
            yield Fault("order", heading, f"{heading}: first two axes exchanged", edits)


def _sections(text: str, layers: Sequence[str]) -> Iterator[tuple[str, int, int]]:
    headings = [m for m in re.finditer(r"^// (\w+)\s*$", text, re.MULTILINE)]
    for here, following in zip(headings, [*headings[1:], None], strict=True):
        if here[1] in layers:
            yield here[1], here.end(), len(text) if following is None else following.start()


_LENGTHS = {"n_in", "n_out", "n_filt", "n_chan", "channels", "size", "entries", "steps", "blocks"}
_LENGTHS |= {"depth", "height", "width", "a_block", "b_block", "a_channels", "b_channels"}
_STEPS = {f"{operand}_{axis}" for operand in "ab" for axis in ("depth", "height", "width")}


def _other_settings(key: str, value: int, keys: Collection[str]) -> Iterator[tuple[str, int]]:
    """(kind, other value) of one setting of a layer that has the settings `keys`."""
    less = [value - 1] if value > 1 else []
    if key.startswith("stride") or key in _STEPS:  # a step of 0 repeats an operand that is merged
        yield from (("stride", other) for other in (value + 1, *less))
    elif key.startswith("dilation"):
        yield from (("dilation", other) for other in (value + 1, *less))
    elif key.startswith("pad_") or key == "fill":
        yield from (("padding", other) for other in (value + 1, *([value - 1] if value > 0 else ())))
    elif key.startswith(("filt_", "pool_")):
        yield from (("window", other) for other in less)
    elif key == "groups":
        yield "groups", 1 if value > 1 else 2
    elif key == "history" or key.endswith("_held"):
        yield from (("line buffer", other) for other in less)
    elif key == "shift":
        yield from (("shift", other) for other in (value + 1, *([value - 1] if value > 0 else ())))
    elif key == "rounding":
        yield from (("rounding", mode) for mode in MODES.values() if mode != value)
    elif key in ("lowest", "highest"):
        # a table that begins elsewhere is read past its ends
        yield from (("extent" if "entries" in keys else "limits", value + by) for by in (1, -1))
    elif key in _LENGTHS or key.startswith(("out_", "in_")):
        yield from (("extent", other) for other in less)


def _top(project: Path, manifest: Manifest) -> Iterator[Fault]:
    file = f"firmware/{manifest.name}.cpp"
    text = (project / file).read_text(encoding="utf-8")
    for found in re.finditer(r"nnet::(relu|linear)<.*?// (\w+)$", text, re.MULTILINE):
        other = "linear" if found[1] == "relu" else "relu"
        yield Fault("operation", found[2], f"{found[2]}: {other}", (Edit(file, *found.span(1), other),))
    sizes = {layer.layer: int(np.prod(layer.shape)) for layer in manifest.document.layers}
    for found in re.finditer(
        r"nnet::concatenate\w+<(\w+), (\w+), .*?>\((\w+), (\w+), .*// (\w+)$", text, re.MULTILINE
    ):
        if sizes.get(found[3], -1) == sizes.get(found[4]):  # else memory beyond an array would be read
            swapped = [(1, found[2]), (2, found[1]), (3, found[4]), (4, found[3])]
            edits = tuple(Edit(file, *found.span(group), other) for group, other in swapped)
            yield Fault("order", found[5], f"{found[5]}: operands exchanged", edits)
    for found in re.finditer(r"#pragma HLS STREAM variable=(\w+) depth=(\d+)", text):
        layer = _owner(found[1], manifest.firmware_names)
        if int(found[2]) > 1 and layer is not None:  # copies of a stream are called otherwise
            edit = Edit(file, *found.span(2), str(int(found[2]) // 2))
            yield Fault(INVISIBLE, layer, f"{found[1]}: depth {edit.text}, not {found[2]}", (edit,))


def _ports(project: Path, manifest: Manifest) -> Iterator[Fault]:
    """Outputs changed behind the last recording, in the top function or in the bridge; exchanged calls."""
    top, bridge = f"firmware/{manifest.name}.cpp", f"{manifest.name}_bridge.cpp"
    text = (project / top).read_text(encoding="utf-8")
    end = text.rindex("}")
    for port in manifest.document.outputs:
        name = port.layer
        negated = f"{name}[0] = -{name}[0];"
        if manifest.io == "stream":
            negated = f"auto beat = {name}.read(); beat[0] = -beat[0]; {name}.write(beat);"
        yield Fault("output", None, f"{name}: {negated}", (Edit(top, end, end, f"    {{ {negated} }}\n"),))
    calls = [found.span() for found in re.finditer(r"^    nnet::(?!save_layer)[^\n]*$", text, re.MULTILINE)]
    for (a, b), (c, d) in itertools.pairwise(calls):
        edits = (Edit(top, a, b, text[c:d]), Edit(top, c, d, text[a:b]))
        yield Fault("call order", None, f"exchanged: {text[a:b].strip()} and {text[c:d].strip()}", edits)
    text = (project / bridge).read_text(encoding="utf-8")
    for found in re.finditer(r"nnet::convert_data<\w+, double, [\d*]+>\(\w+_ap, (\w+)\);", text):
        edit = Edit(bridge, found.end(), found.end(), f" {found[1]}[0] += 1;")
        yield Fault("bridge", None, f"{found[1]}: one more", (edit,))


def _buffers(project: Path, rng: np.random.Generator, count: int) -> Iterator[Fault]:
    """The generated code that gathers the window of a convolution: other elements, other padding."""
    file = "firmware/nnet_utils/nnet_code_gen.h"
    text = (project / file).read_text(encoding="utf-8") if (project / file).is_file() else ""
    owners = dict(
        re.findall(
            r"^// (\w+)\n(?:(?!^// ).*\n)*?.*nnet::(fill_buffer_\d+)<", _parameters(project), re.MULTILINE
        )
    )
    by_class = {made: layer for layer, made in owners.items()}
    parts = re.split(r"(class fill_buffer_\d+)", text)
    at = len(parts[0])
    for heading, body in zip(parts[1::2], parts[2::2], strict=True):
        at += len(heading)
        layer = by_class.get(heading.split()[1])
        items = list(re.finditer(r"= +(data\[\d+\]|0);", body))
        for i in sorted(rng.choice(len(items), min(count, len(items)), replace=False).tolist()):
            span = (items[i].start(1) + at, items[i].end(1) + at)
            other = next((m for m in items[i + 1 :] if m[1] != items[i][1]), None)
            if other is not None and layer is not None:
                swap = (
                    Edit(file, *span, other[1]),
                    Edit(file, other.start(1) + at, other.end(1) + at, items[i][1]),
                )
                yield Fault("order", layer, f"{layer}: elements {items[i][1]} and {other[1]} exchanged", swap)
            if items[i][1] != "0" and layer is not None:
                yield Fault(
                    "padding", layer, f"{layer}: {items[i][1]} read as padding", (Edit(file, *span, "0"),)
                )
        at += len(body)


def _parameters(project: Path) -> str:
    return (project / "firmware/parameters.h").read_text(encoding="utf-8")


SHARED: Mapping[str, Sequence[tuple[str, str, str]]] = {
    "nnet_dense_latency.h": (
        ("operation", "acc[jj] += mult[index];", "acc[jj] -= mult[index];"),
        ("operation", "acc[iacc] = (typename CONFIG_T::accum_t)biases[iacc];", "acc[iacc] = 0;"),
        ("order", "cache = data[ii];", "cache = data[CONFIG_T::n_in - 1 - ii];"),
        ("order", "product(cache, weights[index]);", "product(cache, weights[jj * CONFIG_T::n_in + ii]);"),
        ("extent", "int ires = 0; ires < CONFIG_T::n_out", "int ires = 0; ires < CONFIG_T::n_out - 1"),
    ),
    "nnet_activation.h": (
        ("operation", "if (datareg > 0)", "if (datareg >= 0)"),
        ("operation", "if (datareg > 0)", "if (datareg != 0)"),
    ),
    "nnet_activation_stream.h": (("operation", "if (in_data[j] > 0)", "if (in_data[j] != 0)"),),
    "nnet_pooling.h": (
        ("operation", "y = x[i] > y ? x[i] : y;", "y = x[i] < y ? x[i] : y;"),
        (
            "operation",
            "for (int i = 1; i < N; i++) {\n        y = x[i]",
            "for (int i = 2; i < N; i++) {\n        y = x[i]",
        ),
        ("operation", "y /= length;", "y /= length + 1;"),
    ),
    "nnet_merge.h": (
        (
            "operation",
            "data1[ii % CONFIG_T::n_elem1] + data2[ii % CONFIG_T::n_elem2];",
            "data1[ii % CONFIG_T::n_elem1] - data2[ii % CONFIG_T::n_elem2];",
        ),
    ),
    "nnet_conv_stream.h": (
        (
            "order",
            "kernel_window[i_iw * CONFIG_T::n_chan + i_ic] = kernel_window[(i_iw + 1)",
            "kernel_window[i_iw * CONFIG_T::n_chan + i_ic] = kernel_window[(i_iw)",
        ),
        (
            "line buffer",
            "shift_buffer[CONFIG_T::filt_height - 1][i_ic] = in_elem[i_ic];",
            "shift_buffer[0][i_ic] = in_elem[i_ic];",
        ),
    ),
    "nnet_conv2d_stream.h": (
        ("line buffer", "CONFIG_T::in_width> line_buffer[", "CONFIG_T::in_width - 1> line_buffer["),
        ("line buffer", "CONFIG_T::in_width> line_buffer[", "CONFIG_T::in_width + 1> line_buffer["),
    ),
    "nnet_transpose.h": (("order", "int idx = transfer_idx<CONFIG_T>(i);", "int idx = i;"),),
    "levelone_window.h": (
        ("order", "ow = ow + 1 < CONFIG_T::out_width ? ow + 1 : 0;", "ow = 0;"),
        ("padding", "data[tap] ? in[source] : in_T(0);", "in[source];"),
        ("padding", "data[tap] ? recent[kd][kh][kw][c] : value_T(0);", "recent[kd][kh][kw][c];"),
        ("line buffer", "next = planes[kd]...;", "next = newest;"),
        ("line buffer", "following = lines[kd]...;", "following = next;"),
        ("line buffer", "= following[c];", "= newest[c];"),
        ("window", "recent[kd][kh][kw][c] = recent...;", "recent[kd][kh][kw][c] = newest[c];"),
    ),
    "levelone_conv.h": (
        ("operation", "sum[f] = biases[f];", "sum[f] = 0;"),
        ("operation", "sum[f] += ...;", "sum[f] -= ...;"),
        ("order", "const unsigned row = (tap *", "const unsigned row = ((taps - 1 - tap) *"),
        ("groups", "for (unsigned f = group * group_filters;", "for (unsigned f = 0;"),
    ),
    "levelone_requantise.h": (
        ("rounding", "product >> ...;", "(product >> ...) + 1;"),
        ("rounding", "(tie && odd)", "tie"),
        ("rounding", "(tie && negative)", "tie"),
        ("saturation", "result = highest;", "result = lowest;"),
        ("saturation", "result < lowest", "result <= lowest + 1"),
        ("order", "code(factor[channel])", "code(factor[CONFIG_T::factor_size - 1 - channel])"),
        ("operation", "signed_code(in) >= signed_code(", "signed_code(in) > signed_code("),
        ("operation", "result -= reached;", "result += reached;"),
    ),
    "levelone_lookup.h": (("order", "CONFIG_T::entries + entry]", "CONFIG_T::entries + (entry ^ 1)]"),),
    "levelone_pool.h": (
        ("operation", "best < candidate", "candidate < best"),
        ("operation", "sum[c] += code(", "sum[c] -= code("),
        ("operation", "code(factors[count])", "code(factors[window_of<CONFIG_T>::taps])"),
        ("padding", "if (data[tap] && (!any", "if ((!any"),
    ),
    "levelone_reduce.h": (
        ("operation", "return a < b ? b : a;", "return a < b ? a : b;"),
        ("window", "at == TICKS - 1 || offset == EXTENT - 1;", "at == TICKS - 1 || offset == 0;"),
        ("order", "held[slot][c] = total;", "held[0][c] = total;"),
    ),
    "levelone_staircase.h": (
        ("operation", "signed_code(in) >= signed_code(step", "signed_code(in) > signed_code(step"),
        ("operation", "level += code(rise[at]);", "level -= code(rise[at]);"),
    ),
    "levelone_add_requantise.h": (
        ("operation", "= from_a + from_b +", "= from_a - from_b +"),
        ("rounding", "doubled > divisor", "doubled >= divisor"),
        ("operation", "if (rest >= part) {", "if (rest > part) {"),
    ),
    "levelone_affine.h": (
        ("operation", "code(in) * code(factor[channel]) +", "code(in) * code(factor[channel]) -"),
        ("order", "code(term[channel])", "code(term[CONFIG_T::term_size - 1 - channel])"),
    ),
    "levelone_power.h": (
        ("operation", "product *= factor;", "product += factor;"),
        ("sign", "= signed_code(in);", "= ap_uint<in_T::width>(code(in));"),
    ),
    "levelone_gather.h": (
        ("order", "code(in[from])", "code(in[CONFIG_T::in_size - 1 - from])"),
        ("order", "] = beat[c];", "] = beat[in_T::size - 1 - c];"),
        ("order", "code(all[from])", "code(all[CONFIG_T::in_size - 1 - from])"),
        ("line buffer", "code(recent[from]", "code(recent[0]"),
        ("padding", "(long long)CONFIG_T::fill", "(long long)0"),
    ),
    "levelone_merge.h": (
        ("operation", "code(a) + code(b)", "code(a) - code(b)"),
        ("operation", "code(a) * code(b)", "code(a) * code(a)"),
        ("order", "code(a[i * CONFIG_T::a_block + j])", "code(a[j])"),
        ("order", "set_code(result[c], code(beat[c]));", "set_code(result[c], code(beat[0]));"),
        ("order", "code(beat[c]));", "code(beat[in_T::size - 1 - c]));"),
        ("line buffer", "return hold[slot];", "return hold[0];"),
    ),
    "levelone_copy.h": (
        ("order", "code(in[i])", "code(in[CONFIG_T::size - 1 - i])"),
        ("order", "code(beat[taken + j])", "code(beat[j])"),
    ),
    "levelone_each.h": (
        ("order", "i % CONFIG_T::channels", "0"),
        ("order", "c % CONFIG_T::channels", "0"),
    ),
    "levelone_common.h": (
        ("sign", "return code(number);", "return ap_uint<T::width>(code(number));"),
        ("operation", "narrowed = value;", "narrowed = value + 1;"),
    ),
}
"""Faults of the code that layers share: kind, text, other text (all places where it occurs).

``...`` stands for what is left of a statement, whatever it is.
"""


def _shared(project: Path) -> Iterator[Fault]:
    for name, entries in SHARED.items():
        file = f"firmware/nnet_utils/{name}"
        mentioned = name.removesuffix(".h").removesuffix("_stream").removesuffix("_latency")
        used = mentioned in _parameters(project) or (
            name.startswith("levelone_") and (project / file).is_file()
        )
        text = (project / file).read_text(encoding="utf-8") if used else ""
        for kind, old, new in entries:
            pattern = r"([^;{}]*?)".join(map(re.escape, old.split("...")))
            places = [
                Edit(file, *found.span(), new.replace("...", found[1]) if found.groups() else new)
                for found in re.finditer(pattern, text)
            ]
            if places:
                yield Fault(kind, None, told(name, old, new), tuple(places))


def told(header: str, old: str, new: str) -> str:
    """A fault of shared code in words."""
    return f"{header}: {' '.join(new.split())} in place of {' '.join(old.split())}"
