// Sums, products and concatenations of two tensors, broadcast where one is shorter. Part of levelone.
//
// Shapes have four axes, the missing ones leading and of length 1; an operand's stride is 0 along an axis over
// which it is repeated.
#ifndef LEVELONE_MERGE_H_
#define LEVELONE_MERGE_H_

#include "levelone_common.h"

namespace levelone {

struct sum_of {
    template <class a_T, class b_T, class out_T> static void at(const a_T &a, const b_T &b, out_T &out) {
        #pragma HLS INLINE
        set_code(out, code(a) + code(b));
    }
};

struct product_of {
    template <class a_T, class b_T, class out_T> static void at(const a_T &a, const b_T &b, out_T &out) {
        #pragma HLS INLINE
        set_code(out, code(a) * code(b));
    }
};

template <class OP, class a_T, class b_T, class out_T, typename CONFIG_T>
void merge(a_T a[CONFIG_T::a_size], b_T b[CONFIG_T::b_size], out_T out[CONFIG_T::out_size]) {
    #pragma HLS PIPELINE II=CONFIG_T::reuse_factor
    unsigned i = 0;
    for (unsigned d = 0; d < CONFIG_T::depth; d++) {
        for (unsigned h = 0; h < CONFIG_T::height; h++) {
            for (unsigned w = 0; w < CONFIG_T::width; w++) {
                for (unsigned c = 0; c < CONFIG_T::channels; c++, i++) {
                    #pragma HLS UNROLL
                    const unsigned from_a =
                        (d * CONFIG_T::a_depth + h * CONFIG_T::a_height + w * CONFIG_T::a_width) * CONFIG_T::a_channels +
                        (CONFIG_T::a_channels > 1 ? c : 0);
                    const unsigned from_b =
                        (d * CONFIG_T::b_depth + h * CONFIG_T::b_height + w * CONFIG_T::b_width) * CONFIG_T::b_channels +
                        (CONFIG_T::b_channels > 1 ? c : 0);
                    OP::at(a[from_a], b[from_b], out[i]);
                }
            }
        }
    }
}

// The beat of an operand that belongs to a position: the next one from the stream, or one that is held in a slot.
template <unsigned BEATS, class T>
T held(hls::stream<T> &in, T hold[BEATS], unsigned &taken, unsigned position, unsigned slot) {
    #pragma HLS INLINE
    if (position >= taken) {
        hold[slot] = in.read();
        taken++;
    }
    return hold[slot];
}

template <class OP, class a_T, class b_T, class out_T, typename CONFIG_T>
void merge(hls::stream<a_T> &a, hls::stream<b_T> &b, hls::stream<out_T> &out) {
    // held is what an operand repeats at once: all that is inside the outermost axis over which it is repeated
    static a_T hold_a[CONFIG_T::a_held];
    static b_T hold_b[CONFIG_T::b_held];
    #pragma HLS AGGREGATE variable=hold_a
    #pragma HLS AGGREGATE variable=hold_b
    unsigned taken_a = 0, taken_b = 0;
    for (unsigned d = 0; d < CONFIG_T::depth; d++) {
        for (unsigned h = 0; h < CONFIG_T::height; h++) {
            for (unsigned w = 0; w < CONFIG_T::width; w++) {
                #pragma HLS LOOP_FLATTEN
                #pragma HLS PIPELINE II=CONFIG_T::reuse_factor
                const a_T beat_a = held<CONFIG_T::a_held, a_T>(
                    a, hold_a, taken_a, d * CONFIG_T::a_depth + h * CONFIG_T::a_height + w * CONFIG_T::a_width,
                    h * CONFIG_T::a_slot_height + w * CONFIG_T::a_slot_width);
                const b_T beat_b = held<CONFIG_T::b_held, b_T>(
                    b, hold_b, taken_b, d * CONFIG_T::b_depth + h * CONFIG_T::b_height + w * CONFIG_T::b_width,
                    h * CONFIG_T::b_slot_height + w * CONFIG_T::b_slot_width);
                out_T result;
                for (unsigned c = 0; c < CONFIG_T::channels; c++) {
                    #pragma HLS UNROLL
                    OP::at(beat_a[a_T::size > 1 ? c : 0], beat_b[b_T::size > 1 ? c : 0], result[c]);
                }
                out.write(result);
            }
        }
    }
}

template <class a_T, class b_T, class out_T, typename CONFIG_T>
void add(a_T a[CONFIG_T::a_size], b_T b[CONFIG_T::b_size], out_T out[CONFIG_T::out_size]) {
    merge<sum_of, a_T, b_T, out_T, CONFIG_T>(a, b, out);
}

template <class a_T, class b_T, class out_T, typename CONFIG_T>
void add(hls::stream<a_T> &a, hls::stream<b_T> &b, hls::stream<out_T> &out) {
    merge<sum_of, a_T, b_T, out_T, CONFIG_T>(a, b, out);
}

template <class a_T, class b_T, class out_T, typename CONFIG_T>
void multiply(a_T a[CONFIG_T::a_size], b_T b[CONFIG_T::b_size], out_T out[CONFIG_T::out_size]) {
    merge<product_of, a_T, b_T, out_T, CONFIG_T>(a, b, out);
}

template <class a_T, class b_T, class out_T, typename CONFIG_T>
void multiply(hls::stream<a_T> &a, hls::stream<b_T> &b, hls::stream<out_T> &out) {
    merge<product_of, a_T, b_T, out_T, CONFIG_T>(a, b, out);
}

// Blocks of a and b in turn: `blocks` of them, `a_block` and `b_block` elements (or beats) each.
template <class a_T, class b_T, class out_T, typename CONFIG_T>
void concatenate(a_T a[CONFIG_T::a_size], b_T b[CONFIG_T::b_size], out_T out[CONFIG_T::out_size]) {
    #pragma HLS PIPELINE II=CONFIG_T::reuse_factor
    for (unsigned i = 0; i < CONFIG_T::blocks; i++) {
        const unsigned begin = i * (CONFIG_T::a_block + CONFIG_T::b_block);
        for (unsigned j = 0; j < CONFIG_T::a_block; j++) {
            #pragma HLS UNROLL
            set_code(out[begin + j], code(a[i * CONFIG_T::a_block + j]));
        }
        for (unsigned j = 0; j < CONFIG_T::b_block; j++) {
            #pragma HLS UNROLL
            set_code(out[begin + CONFIG_T::a_block + j], code(b[i * CONFIG_T::b_block + j]));
        }
    }
}

template <class in_T, class out_T> void pass_on(hls::stream<in_T> &in, hls::stream<out_T> &out) {
    #pragma HLS INLINE
    const in_T beat = in.read();
    out_T result;
    for (unsigned c = 0; c < out_T::size; c++) {
        #pragma HLS UNROLL
        set_code(result[c], code(beat[c]));
    }
    out.write(result);
}

// Along an axis of positions: whole beats, one after the other.
template <class a_T, class b_T, class out_T, typename CONFIG_T>
void concatenate(hls::stream<a_T> &a, hls::stream<b_T> &b, hls::stream<out_T> &out) {
    for (unsigned i = 0; i < CONFIG_T::blocks; i++) {
        for (unsigned j = 0; j < CONFIG_T::a_block; j++) {
            #pragma HLS PIPELINE II=1
            pass_on(a, out);
        }
        for (unsigned j = 0; j < CONFIG_T::b_block; j++) {
            #pragma HLS PIPELINE II=1
            pass_on(b, out);
        }
    }
}

// `SIZE` channels into `out` from `BEGIN` on; a flattened tensor brings them in several beats.
template <unsigned SIZE, unsigned BEGIN, class in_T, class out_T> void take_beats(hls::stream<in_T> &in, out_T &out) {
    #pragma HLS INLINE
    for (unsigned j = 0; j < SIZE; j += in_T::size) {
        #pragma HLS UNROLL
        const in_T beat = in.read();
        for (unsigned c = 0; c < in_T::size; c++) {
            #pragma HLS UNROLL
            set_code(out[BEGIN + j + c], code(beat[c]));
        }
    }
}

// Along the channels: a beat of each becomes one, or as many beats as a flattened tensor brings them in.
template <class a_T, class b_T, class out_T, typename CONFIG_T>
void join_channels(hls::stream<a_T> &a, hls::stream<b_T> &b, hls::stream<out_T> &out) {
    const unsigned a_beats = CONFIG_T::a_block / a_T::size, b_beats = CONFIG_T::b_block / b_T::size;
    const unsigned beats = a_beats > b_beats ? a_beats : b_beats;
JoinBlock:
    for (unsigned i = 0; i < CONFIG_T::blocks; i++) {
        #pragma HLS PIPELINE II=beats
        out_T result;
        take_beats<CONFIG_T::a_block, 0>(a, result);
        take_beats<CONFIG_T::b_block, CONFIG_T::a_block>(b, result);
        out.write(result);
    }
}

} // namespace levelone

#endif
