// Windows sliding over three spatial axes, unrolled or streamed: what convolution and pooling share. Part of levelone.
//
// One- and two-dimensional layers have leading axes of length 1. `OP::at` computes one output position, told which, from
// the elements under the window (row-major, channels last) and from which taps meet data rather than padding.
#ifndef LEVELONE_WINDOW_H_
#define LEVELONE_WINDOW_H_

#include "levelone_common.h"

namespace levelone {

constexpr unsigned at_least_one(unsigned n) { return n > 0 ? n : 1; }

// A buffered element is not asked for again before so many clocks: longer than a memory takes to store it.
static const unsigned fewest_ticks = 8;

constexpr unsigned larger(unsigned a, unsigned b) { return a > b ? a : b; }

// Geometry that follows from a layer's configuration.
template <typename CONFIG_T> struct window_of {
    static const unsigned taps = CONFIG_T::filt_depth * CONFIG_T::filt_height * CONFIG_T::filt_width;
    static const unsigned size = taps * CONFIG_T::channels;
    static const unsigned in_size = CONFIG_T::in_depth * CONFIG_T::in_height * CONFIG_T::in_width * CONFIG_T::channels;
    static const unsigned positions = CONFIG_T::out_depth * CONFIG_T::out_height * CONFIG_T::out_width;
    static const unsigned out_size = positions * CONFIG_T::out_channels;
    // elements from the first to the last tap
    static const unsigned depth = CONFIG_T::dilation_depth * (CONFIG_T::filt_depth - 1) + 1;
    static const unsigned height = CONFIG_T::dilation_height * (CONFIG_T::filt_height - 1) + 1;
    static const unsigned width = CONFIG_T::dilation_width * (CONFIG_T::filt_width - 1) + 1;
    // clock ticks along each axis: until all data is read and the last window is complete
    static const unsigned ticks_depth =
        larger(CONFIG_T::in_depth, (CONFIG_T::out_depth - 1) * CONFIG_T::stride_depth + depth - CONFIG_T::pad_depth);
    static const unsigned ticks_height =
        larger(CONFIG_T::in_height, (CONFIG_T::out_height - 1) * CONFIG_T::stride_height + height - CONFIG_T::pad_height);
    static const unsigned ticks_width =
        larger(larger(CONFIG_T::in_width, (CONFIG_T::out_width - 1) * CONFIG_T::stride_width + width - CONFIG_T::pad_width),
               depth > 1 || height > 1 ? fewest_ticks : 1);
    static const unsigned ticks = ticks_depth * ticks_height * ticks_width;
};

// Counts the ticks along one axis and the windows that end there, the first one at tick FIRST: nothing is divided.
template <unsigned TICKS, unsigned FIRST, unsigned STRIDE, unsigned OUT> struct axis_of_ends {
    unsigned at = 0, wait = FIRST, given = 0;

    bool ends() const { return wait == 0 && given < OUT; }

    // Whether the axis begins anew.
    bool advance() {
        #pragma HLS INLINE
        const bool again = at == TICKS - 1;
        given = again ? 0 : given + (wait == 0);
        wait = again ? FIRST : (wait == 0 ? STRIDE : wait) - 1;
        at = again ? 0 : at + 1;
        return again;
    }
};

template <class OP, class in_T, class out_T, typename CONFIG_T, class... PARAMETERS>
void slide(in_T in[window_of<CONFIG_T>::in_size], out_T out[window_of<CONFIG_T>::out_size], PARAMETERS... parameters) {
    #pragma HLS INLINE
    typedef window_of<CONFIG_T> geometry;
    unsigned od = 0, oh = 0, ow = 0;
SlidePosition:
    for (unsigned first = 0; first < geometry::positions; first += CONFIG_T::partition) {
        #pragma HLS PIPELINE II=CONFIG_T::reuse_factor
    SlideTogether:
        for (unsigned p = first; p < first + CONFIG_T::partition; p++) {
            #pragma HLS UNROLL
            in_T window[geometry::size];
            bool data[geometry::taps];
            #pragma HLS ARRAY_PARTITION variable=window complete
            #pragma HLS ARRAY_PARTITION variable=data complete
            unsigned tap = 0;
            for (unsigned kd = 0; kd < CONFIG_T::filt_depth; kd++) {
                const int d = int(od * CONFIG_T::stride_depth + kd * CONFIG_T::dilation_depth) - int(CONFIG_T::pad_depth);
                for (unsigned kh = 0; kh < CONFIG_T::filt_height; kh++) {
                    const int h =
                        int(oh * CONFIG_T::stride_height + kh * CONFIG_T::dilation_height) - int(CONFIG_T::pad_height);
                    for (unsigned kw = 0; kw < CONFIG_T::filt_width; kw++, tap++) {
                        const int w =
                            int(ow * CONFIG_T::stride_width + kw * CONFIG_T::dilation_width) - int(CONFIG_T::pad_width);
                        data[tap] = 0 <= d && d < int(CONFIG_T::in_depth) && 0 <= h && h < int(CONFIG_T::in_height) &&
                                    0 <= w && w < int(CONFIG_T::in_width);
                        for (unsigned c = 0; c < CONFIG_T::channels; c++) {
                            const unsigned position = (d * CONFIG_T::in_height + h) * CONFIG_T::in_width + w;
                            const unsigned source = data[tap] ? position * CONFIG_T::channels + c : 0;
                            window[tap * CONFIG_T::channels + c] = data[tap] ? in[source] : in_T(0);
                        }
                    }
                }
            }
            out_T result[CONFIG_T::out_channels];
            #pragma HLS ARRAY_PARTITION variable=result complete
            OP::at(p, window, data, result, parameters...);
            for (unsigned f = 0; f < CONFIG_T::out_channels; f++) {
                out[p * CONFIG_T::out_channels + f] = result[f];
            }
            ow = ow + 1 < CONFIG_T::out_width ? ow + 1 : 0;
            oh = ow > 0 ? oh : oh + 1 < CONFIG_T::out_height ? oh + 1 : 0;
            od = ow > 0 || oh > 0 ? od : od + 1;
        }
    }
}

// One tick per clock, or per `reuse_factor` clocks; each reads an element or stands for padding behind the last one.
// Of the input it holds what the window still needs and nothing else: the planes and lines
// between the window's first and last element. What is left of earlier rows, planes and events lies under taps that
// `data` marks as padding, so nothing has to be cleared.
template <class OP, class in_T, class out_T, typename CONFIG_T, class... PARAMETERS>
void slide(hls::stream<in_T> &in, hls::stream<out_T> &out, PARAMETERS... parameters) {
    #pragma HLS INLINE
    typedef window_of<CONFIG_T> geometry;
    typedef typename in_T::value_type value_T;
    static in_T planes[at_least_one(geometry::depth - 1)][CONFIG_T::in_height * CONFIG_T::in_width];
    static in_T lines[geometry::depth][at_least_one(geometry::height - 1)][CONFIG_T::in_width];
    static value_T recent[geometry::depth][geometry::height][geometry::width][CONFIG_T::channels];
    #pragma HLS AGGREGATE variable=planes
    #pragma HLS AGGREGATE variable=lines
    #pragma HLS ARRAY_PARTITION variable=planes complete dim=1
    #pragma HLS ARRAY_PARTITION variable=lines complete dim=1
    #pragma HLS ARRAY_PARTITION variable=lines complete dim=2
    #pragma HLS ARRAY_PARTITION variable=recent complete dim=0
    axis_of_ends<geometry::ticks_depth, geometry::depth - 1 - CONFIG_T::pad_depth, CONFIG_T::stride_depth,
                 CONFIG_T::out_depth>
        depth;
    axis_of_ends<geometry::ticks_height, geometry::height - 1 - CONFIG_T::pad_height, CONFIG_T::stride_height,
                 CONFIG_T::out_height>
        height;
    axis_of_ends<geometry::ticks_width, geometry::width - 1 - CONFIG_T::pad_width, CONFIG_T::stride_width,
                 CONFIG_T::out_width>
        width;
    unsigned position = 0;
SlideTick:
    for (unsigned tick = 0; tick < geometry::ticks; tick++) {
        #pragma HLS PIPELINE II=CONFIG_T::reuse_factor
        // one access to an address per plane or line, `fewest_ticks` apart or more
        #pragma HLS DEPENDENCE variable=planes inter false
        #pragma HLS DEPENDENCE variable=lines inter false
        in_T newest;
        for (unsigned c = 0; c < CONFIG_T::channels; c++) {
            #pragma HLS UNROLL
            newest[c] = 0;
        }
        const unsigned d = depth.at, h = height.at, w = width.at;
        const bool gives_output = depth.ends() && height.ends() && width.ends();
        if (width.advance() && height.advance()) {
            depth.advance();
        }
        const bool inside = h < CONFIG_T::in_height && w < CONFIG_T::in_width;
        if (d < CONFIG_T::in_depth && inside) {
            newest = in.read();
        }
    ShiftDepth:
        for (unsigned kd = 0; kd < geometry::depth; kd++) {
            #pragma HLS UNROLL
            // the element of this row and column, kd planes after the window's first
            in_T next = newest;
            if (kd < geometry::depth - 1 && inside) {
                next = planes[kd][h * CONFIG_T::in_width + w];
                planes[kd][h * CONFIG_T::in_width + w] =
                    kd + 2 < geometry::depth ? planes[kd + 1][h * CONFIG_T::in_width + w] : newest;
            }
        ShiftHeight:
            for (unsigned kh = 0; kh < geometry::height; kh++) {
                #pragma HLS UNROLL
                in_T following = next;
                if (kh < geometry::height - 1 && w < CONFIG_T::in_width) {
                    following = lines[kd][kh][w];
                    lines[kd][kh][w] = kh + 2 < geometry::height ? lines[kd][kh + 1][w] : next;
                }
            ShiftWidth:
                for (unsigned c = 0; c < CONFIG_T::channels; c++) {
                    #pragma HLS UNROLL
                    for (unsigned kw = 0; kw + 1 < geometry::width; kw++) {
                        #pragma HLS UNROLL
                        recent[kd][kh][kw][c] = recent[kd][kh][kw + 1][c];
                    }
                    recent[kd][kh][geometry::width - 1][c] = following[c];
                }
            }
        }
        if (!gives_output) {
            continue;
        }
        value_T window[geometry::size];
        bool data[geometry::taps];
        #pragma HLS ARRAY_PARTITION variable=window complete
        #pragma HLS ARRAY_PARTITION variable=data complete
        unsigned tap = 0;
        for (unsigned kd = 0; kd < geometry::depth; kd += CONFIG_T::dilation_depth) {
            const int at_d = int(d + kd) - int(geometry::depth - 1);
            for (unsigned kh = 0; kh < geometry::height; kh += CONFIG_T::dilation_height) {
                const int at_h = int(h + kh) - int(geometry::height - 1);
                for (unsigned kw = 0; kw < geometry::width; kw += CONFIG_T::dilation_width, tap++) {
                    const int at_w = int(w + kw) - int(geometry::width - 1);
                    data[tap] = 0 <= at_d && at_d < int(CONFIG_T::in_depth) && 0 <= at_h &&
                                at_h < int(CONFIG_T::in_height) && 0 <= at_w && at_w < int(CONFIG_T::in_width);
                    for (unsigned c = 0; c < CONFIG_T::channels; c++) {
                        window[tap * CONFIG_T::channels + c] = data[tap] ? recent[kd][kh][kw][c] : value_T(0);
                    }
                }
            }
        }
        typename out_T::value_type computed[CONFIG_T::out_channels];
        #pragma HLS ARRAY_PARTITION variable=computed complete
        OP::at(position, window, data, computed, parameters...);
        position++;
        out_T result;
        for (unsigned f = 0; f < CONFIG_T::out_channels; f++) {
            #pragma HLS UNROLL
            result[f] = computed[f];
        }
        out.write(result);
    }
}

} // namespace levelone

#endif
