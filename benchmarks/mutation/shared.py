"""Faults in the code that layers share: hls4ml's headers and levelone's own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks.mutation.edits import Edit, Fault, text_of

PARAMETERS = "firmware/parameters.h"

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
    "levelone_locally_connected.h": (
        ("order", "position * CONFIG_T::kernel_size", "0"),
        ("order", "position * CONFIG_T::out_channels", "0"),
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
    "levelone_matmul.h": (
        ("operation", "sum += code", "sum -= code"),
        ("order", "code(row[k])", "code(row[0])"),
        ("order", "code(a[i * CONFIG_T::inner + k])", "code(a[k])"),
        ("line buffer", "matrix[k] = b.read();", "matrix[0] = b.read();"),
    ),
    "levelone_words.h": (
        ("recording", "value - (__int128)rounded", "value + (__int128)rounded"),
        ("recording", "(double)value;", "(double)(value + 1);"),
        ("recording", "words[SIZE + i]", "words[SIZE]"),
        ("recording", "words[size + i]", "words[size]"),
        ("recording", "words[SIZE + i + c]", "words[SIZE + i]"),
        ("recording", "words[size + i + c]", "words[size + i]"),
    ),
    "levelone_element_affine.h": (
        ("order", "SIZE > 1 ? at : 0", "0"),
        ("order", "(factor, i + c)", "(factor, c)"),
        ("operation", "code(in[i]) * constant_of", "code(in[i]) + constant_of"),
        ("operation", "code(beat[c]) * constant_of", "code(beat[c]) + constant_of"),
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


def shared_faults(project: Path) -> Iterator[Fault]:
    """Those of `SHARED` whose header the project uses."""
    for name, entries in SHARED.items():
        file = f"firmware/nnet_utils/{name}"
        mentioned = name.removesuffix(".h").removesuffix("_stream").removesuffix("_latency")
        used = mentioned in text_of(project, PARAMETERS) or (
            name.startswith("levelone_") and (project / file).is_file()
        )
        text = text_of(project, file) if used else ""
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
