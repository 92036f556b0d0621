"""Windows of an unrolled convolution: hls4ml spells out every element of small ones, loops gather large ones.

hls4ml writes one assignment for each element of the window at each position: what synthesis likes, and for an
image of 256 x 256 pixels tens of millions of lines. A compiler takes more than its share over a function of
tens of thousands of them. Above `MOST_SPELT` assignments the same assignments are written as loops, which
synthesis unrolls into them.
"""

from __future__ import annotations

import math
from typing import Any

MOST_SPELT = 2**12
"""Assignments of one layer that are spelt out."""

_LOOPS = """\
template<class data_T, typename CONFIG_T>
class fill_buffer_@INDEX@ : public nnet::FillConv@RANK@DBuffer<data_T, CONFIG_T> {
    public:
    static void fill_buffer(
        data_T data[@IN@ * CONFIG_T::n_chan],
        data_T buffer[CONFIG_T::n_pixels][@KERNEL@ * CONFIG_T::n_chan],
        const unsigned partition
    ) {
        for (unsigned pixel = 0; pixel < CONFIG_T::n_pixels; pixel++) {
            #pragma HLS UNROLL
            const unsigned position = partition * CONFIG_T::n_pixels + pixel;
            for (unsigned tap = 0; tap < @KERNEL@; tap++) {
                #pragma HLS UNROLL
@PLACE@
                for (unsigned channel = 0; channel < CONFIG_T::n_chan; channel++) {
                    #pragma HLS UNROLL
                    buffer[pixel][tap * CONFIG_T::n_chan + channel] =
                        inside ? data[element * CONFIG_T::n_chan + channel] : data_T(0);
                }
            }
        }
    }
};
"""
_PLACE = {
    1: """\
const int column = int(position * CONFIG_T::stride_width + tap) - int(CONFIG_T::pad_left);
const bool inside = column >= 0 && column < int(CONFIG_T::in_width);
const unsigned element = inside ? column : 0;""",
    2: """\
const int row = int(position / CONFIG_T::out_width * CONFIG_T::stride_height + tap / CONFIG_T::filt_width)
                - int(CONFIG_T::pad_top);
const int column = int(position % CONFIG_T::out_width * CONFIG_T::stride_width + tap % CONFIG_T::filt_width)
                   - int(CONFIG_T::pad_left);
const bool inside = row >= 0 && row < int(CONFIG_T::in_height)
                    && column >= 0 && column < int(CONFIG_T::in_width);
const unsigned element = inside ? row * int(CONFIG_T::in_width) + column : 0;""",
}
_IN = {1: "CONFIG_T::in_width", 2: "CONFIG_T::in_height * CONFIG_T::in_width"}
_KERNEL = {1: "CONFIG_T::filt_width", 2: "CONFIG_T::filt_height * CONFIG_T::filt_width"}


def write_windows(model: Any) -> None:
    """Give every unrolled convolution of an hls4ml `ModelGraph` the code that gathers its windows."""
    from hls4ml.model.optimizer import get_optimizer
    from hls4ml.model.types import Source

    spelt = get_optimizer("vivado:generate_conv_im2col")
    for node in model.get_layers():
        if not spelt.match(node):
            continue
        rank = len(node.get_output_variable().shape) - 1
        if assignments(node) <= MOST_SPELT:
            spelt.transform(model, node)
        else:
            node.set_attr("line_buffer_codegen", Source(_loops(rank, node.index)))


def assignments(node: Any) -> int:
    """Elements of the window at all positions."""
    positions = node.get_output_variable().shape[:-1]
    kernel = [node.get_attr(f"filt_{axis}") for axis in ("height", "width")[2 - len(positions) :]]
    return math.prod(positions) * math.prod(kernel) * int(node.get_attr("n_chan"))


def _loops(rank: int, index: int) -> str:
    place = "\n".join(" " * 16 + line for line in _PLACE[rank].splitlines())
    text = _LOOPS.replace("@INDEX@", str(index)).replace("@RANK@", str(rank)).replace("@PLACE@", place)
    return text.replace("@IN@", _IN[rank]).replace("@KERNEL@", _KERNEL[rank])
