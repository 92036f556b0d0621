// Pooling of a stream whose windows do not overlap, over up to three axes, up to the whole tensor. Part of levelone.
//
// No window is ever held. A run is what a window meets without a break: its part of a row, or whole rows or planes
// where it is as wide as the tensor. The run adds up in a register per channel; a window of several runs keeps what
// came before in a memory, one entry for each window that is under way.
#ifndef LEVELONE_REDUCE_H_
#define LEVELONE_REDUCE_H_

#include "levelone_window.h"

namespace levelone {

// Counts the ticks along one axis: in which window a tick lies, and where in it or behind it.
template <unsigned TICKS, unsigned IN, unsigned OUT, unsigned EXTENT, unsigned STRIDE, unsigned DILATION, unsigned PAD>
struct axis_of_windows {
    unsigned at = 0, window = 0, offset = PAD, phase = PAD % DILATION;

    bool data() const { return at < IN; }
    bool inside() const { return window < OUT && offset < EXTENT; }
    bool tap() const { return inside() && data() && phase == 0; }
    bool first() const { return at == 0 || offset == 0; }
    bool last() const { return at == TICKS - 1 || offset == EXTENT - 1; }

    // Whether the axis begins anew.
    bool advance() {
        #pragma HLS INLINE
        const bool again = at == TICKS - 1, next = offset == STRIDE - 1;
        at = again ? 0 : at + 1;
        window = again ? 0 : window + next;
        phase = again ? PAD % DILATION : next || phase == DILATION - 1 ? 0 : phase + 1;
        offset = again ? PAD : next ? 0 : offset + 1;
        return again;
    }
};

// Geometry that follows from a layer's configuration.
template <typename CONFIG_T> struct reduction_of {
    typedef window_of<CONFIG_T> window;
    static const bool over_width = CONFIG_T::out_width > 1;   // a run ends with the window's part of a row
    static const bool over_height = CONFIG_T::out_height > 1; // or of a plane
    static const bool many_runs =
        over_width ? window::depth > 1 || window::height > 1 : over_height && window::depth > 1;
    static const unsigned held = !many_runs            ? 1
                                 : window::depth == 1 ? CONFIG_T::out_width
                                                      : CONFIG_T::out_height * CONFIG_T::out_width;
    // clock ticks along each axis: until all data is read and the last window has begun
    static const unsigned ticks_depth =
        larger(CONFIG_T::in_depth + CONFIG_T::pad_depth, (CONFIG_T::out_depth - 1) * CONFIG_T::stride_depth + 1) -
        CONFIG_T::pad_depth;
    static const unsigned ticks_height =
        larger(CONFIG_T::in_height + CONFIG_T::pad_height, (CONFIG_T::out_height - 1) * CONFIG_T::stride_height + 1) -
        CONFIG_T::pad_height;
    // an entry of the memory is used once per row, or once per plane
    static const unsigned fewest = !many_runs ? 1 : over_width ? fewest_ticks : (fewest_ticks - 1) / ticks_height + 1;
    static const unsigned ticks_width =
        larger(larger(CONFIG_T::in_width + CONFIG_T::pad_width, (CONFIG_T::out_width - 1) * CONFIG_T::stride_width + 1) -
                   CONFIG_T::pad_width,
               fewest);
    static const unsigned ticks = ticks_depth * ticks_height * ticks_width;
};

// One tick per clock, or per `reuse_factor` clocks. `OP` says how two parts of a window become one.
template <class OP, class in_T, class out_T, typename CONFIG_T, class... PARAMETERS>
void reduce(hls::stream<in_T> &in, hls::stream<out_T> &out, PARAMETERS... parameters) {
    #pragma HLS INLINE
    typedef reduction_of<CONFIG_T> geometry;
    typedef window_of<CONFIG_T> window;
    typedef typename code_of<typename CONFIG_T::accum_t>::type total_T;
    static total_T held[geometry::held][CONFIG_T::channels];
    total_T run[CONFIG_T::channels];
    #pragma HLS ARRAY_RESHAPE variable=held complete dim=2
    #pragma HLS ARRAY_PARTITION variable=run complete
    axis_of_windows<geometry::ticks_depth, CONFIG_T::in_depth, CONFIG_T::out_depth, window::depth, CONFIG_T::stride_depth,
                    CONFIG_T::dilation_depth, CONFIG_T::pad_depth>
        depth;
    axis_of_windows<geometry::ticks_height, CONFIG_T::in_height, CONFIG_T::out_height, window::height,
                    CONFIG_T::stride_height, CONFIG_T::dilation_height, CONFIG_T::pad_height>
        height;
    axis_of_windows<geometry::ticks_width, CONFIG_T::in_width, CONFIG_T::out_width, window::width, CONFIG_T::stride_width,
                    CONFIG_T::dilation_width, CONFIG_T::pad_width>
        width;
    unsigned position = 0;
ReduceTick:
    for (unsigned tick = 0; tick < geometry::ticks; tick++) {
        #pragma HLS PIPELINE II=CONFIG_T::reuse_factor
        // one access to an entry per row or plane, `fewest_ticks` apart or more
        #pragma HLS DEPENDENCE variable=held inter false
        in_T newest;
        if (depth.data() && height.data() && width.data()) {
            newest = in.read();
        }
        const bool inside = depth.inside() && height.inside() && width.inside();
        const bool tap = depth.tap() && height.tap() && width.tap();
        const bool begins =
            width.first() && (geometry::over_width || (height.first() && (geometry::over_height || depth.first())));
        const bool ends =
            inside && width.last() && (geometry::over_width || (height.last() && (geometry::over_height || depth.last())));
        const bool first_run = !geometry::many_runs || (depth.first() && (!geometry::over_width || height.first()));
        const bool last_run = !geometry::many_runs || (depth.last() && (!geometry::over_width || height.last()));
        const unsigned row = window::depth > 1 ? height.window * CONFIG_T::out_width : 0;
        const unsigned slot = geometry::many_runs && inside ? row + width.window : 0;
        out_T result;
        for (unsigned c = 0; c < CONFIG_T::channels; c++) {
            #pragma HLS UNROLL
            if (inside && begins) {
                run[c] = OP::template nothing<total_T>();
            }
            if (tap) {
                run[c] = OP::template joined<total_T>(run[c], code(newest[c]));
            }
            if (ends) {
                const total_T before = first_run ? OP::template nothing<total_T>() : held[slot][c];
                const total_T total = OP::template joined<total_T>(before, run[c]);
                held[slot][c] = total;
                OP::give(total, result[c], position, parameters...);
            }
        }
        if (ends && last_run) {
            out.write(result);
            position++;
        }
        if (width.advance() && height.advance()) {
            depth.advance();
        }
    }
}

struct largest_of {
    // the lowest code there is: every window holds an element
    template <class total_T> static total_T nothing() {
        #pragma HLS INLINE
        total_T lowest = 0;
        lowest[total_T::width - 1] = total_T(-1) < 0;
        return lowest;
    }

    template <class total_T> static total_T joined(const total_T &a, const total_T &b) {
        #pragma HLS INLINE
        return a < b ? b : a;
    }

    template <class total_T, class result_T> static void give(const total_T &total, result_T &result, unsigned) {
        #pragma HLS INLINE
        set_code(result, total);
    }
};

struct sum_of_all {
    template <class total_T> static total_T nothing() {
        #pragma HLS INLINE
        return 0;
    }

    template <class total_T> static total_T joined(const total_T &a, const total_T &b) {
        #pragma HLS INLINE
        return a + b;
    }

    // Where all windows count the same number of elements, the sum is the mean on a finer grid.
    template <class total_T, class result_T> static void give(const total_T &total, result_T &result, unsigned) {
        #pragma HLS INLINE
        set_code(result, total);
    }

    // Elsewhere it is the sum times the factor of that position.
    template <class total_T, class result_T, class factor_T>
    static void give(const total_T &total, result_T &result, unsigned position, const factor_T factors[]) {
        #pragma HLS INLINE
        set_code(result, total * code(factors[position]));
    }
};

template <class in_T, class out_T, typename CONFIG_T>
void reduce_max(hls::stream<in_T> &in, hls::stream<out_T> &out) {
    reduce<largest_of, in_T, out_T, CONFIG_T>(in, out);
}

template <class in_T, class out_T, typename CONFIG_T>
void reduce_sum(hls::stream<in_T> &in, hls::stream<out_T> &out) {
    reduce<sum_of_all, in_T, out_T, CONFIG_T>(in, out);
}

// factors: one for each position
template <class in_T, class out_T, typename CONFIG_T>
void reduce_mean(hls::stream<in_T> &in, hls::stream<out_T> &out,
                 typename CONFIG_T::factor_t factors[CONFIG_T::factor_size]) {
    reduce<sum_of_all, in_T, out_T, CONFIG_T>(in, out, factors);
}

} // namespace levelone

#endif
