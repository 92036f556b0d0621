// Requantisation between any scales: a short multiplier, an adder and a shift, or thresholds. Part of levelone.
//
// Factors, terms and thresholds are proven to give the exact integers for every code that can arrive; the proof is
// in levelone.json.
#ifndef LEVELONE_REQUANTISE_H_
#define LEVELONE_REQUANTISE_H_

#include "levelone_each.h"

namespace levelone {

// As levelone numbers the rounding modes.
enum rounding { FLOOR = 0, CEIL = 1, DOWN = 2, UP = 3, ROUND = 4, HALF_UP = 5, HALF_DOWN = 6 };

// Whether a number is rounded up from its floor, told what the floor leaves: anything, more than one half, one half.
template <typename CONFIG_T> bool rounds_up(bool rest, bool more, bool tie, bool negative, bool odd) {
    #pragma HLS INLINE
    switch (CONFIG_T::rounding) {
    case CEIL:
        return rest;
    case DOWN:
        return rest && negative;
    case UP:
        return rest && !negative;
    case ROUND:
        return more || (tie && odd);
    case HALF_UP:
        return more || (tie && !negative);
    case HALF_DOWN:
        return more || (tie && negative);
    }
    return false;
}

template <typename CONFIG_T, class out_T, class result_T> void set_clipped(out_T &out, result_T result) {
    #pragma HLS INLINE
    const ap_int<64> lowest = (long long)CONFIG_T::lowest;
    const ap_int<64> highest = (long long)CONFIG_T::highest;
    if (result < lowest) {
        result = lowest;
    } else if (result > highest) {
        result = highest;
    }
    set_code(out, result);
}

// clip(round((code * factor + term) / 2^shift))
template <typename CONFIG_T> struct scaling {
    template <class in_T, class out_T>
    static void at(const in_T &in, out_T &out, unsigned channel, const typename CONFIG_T::factor_t factor[],
                   const typename CONFIG_T::term_t term[]) {
        #pragma HLS INLINE
        typedef typename code_of<typename CONFIG_T::product_t>::type product_T;
        const product_T product = code(in) * code(factor[channel]) + code(term[channel]);
        ap_int<product_T::width + 2> result = product >> CONFIG_T::shift;
        if (CONFIG_T::shift > 0 && CONFIG_T::rounding != FLOOR) {
            const unsigned bits = CONFIG_T::shift > 0 ? CONFIG_T::shift : 1;
            const ap_uint<bits> dropped = product;
            const ap_uint<bits> half = ap_uint<bits>(1) << (bits - 1);
            result += rounds_up<CONFIG_T>(dropped != 0, dropped > half, dropped == half, product < 0, result[0]);
        }
        set_clipped<CONFIG_T>(out, result);
    }
};

// clip(floor((code * factor + term) / 2^(shift + more))): channels that need more fractional bits than others. The
// numbers are constants, so that shifting is wiring.
template <typename CONFIG_T> struct scaling_by_channel {
    template <class in_T, class out_T>
    static void at(const in_T &in, out_T &out, unsigned channel, const typename CONFIG_T::factor_t factor[],
                   const typename CONFIG_T::term_t term[], const typename CONFIG_T::more_t more[]) {
        #pragma HLS INLINE
        typedef typename code_of<typename CONFIG_T::product_t>::type product_T;
        const product_T product = code(in) * code(factor[channel]) + code(term[channel]);
        const ap_int<product_T::width + 2> shifted = product >> CONFIG_T::shift;
        const ap_int<product_T::width + 2> result = shifted >> code(more[channel]).to_uint();
        set_clipped<CONFIG_T>(out, result);
    }
};

// first +- the number of thresholds that the code has reached
template <typename CONFIG_T> struct counting {
    template <class in_T, class out_T>
    static void at(const in_T &in, out_T &out, unsigned channel, const typename CONFIG_T::first_t first[],
                   const typename CONFIG_T::falling_t falling[], const typename CONFIG_T::step_t steps[]) {
        #pragma HLS INLINE
        unsigned reached = 0;
        for (unsigned i = 0; i < CONFIG_T::steps; i++) {
            #pragma HLS UNROLL
            reached += signed_code(in) >= signed_code(steps[channel * CONFIG_T::steps + i]);
        }
        ap_int<64> result = code(first[channel]);
        if (falling[channel] != 0) {
            result -= reached;
        } else {
            result += reached;
        }
        set_code(out, result);
    }
};

template <class in_T, class out_T, typename CONFIG_T>
void scale(in_T in[CONFIG_T::size], out_T out[CONFIG_T::size],
           typename CONFIG_T::factor_t factor[CONFIG_T::factor_size],
           typename CONFIG_T::term_t term[CONFIG_T::term_size]) {
    #pragma HLS PIPELINE II=CONFIG_T::reuse_factor
    #pragma HLS ARRAY_PARTITION variable=factor complete
    #pragma HLS ARRAY_PARTITION variable=term complete
    each<scaling<CONFIG_T>, in_T, out_T, CONFIG_T>(in, out, factor, term);
}

template <class in_T, class out_T, typename CONFIG_T>
void scale(hls::stream<in_T> &in, hls::stream<out_T> &out,
           typename CONFIG_T::factor_t factor[CONFIG_T::factor_size],
           typename CONFIG_T::term_t term[CONFIG_T::term_size]) {
    #pragma HLS ARRAY_PARTITION variable=factor complete
    #pragma HLS ARRAY_PARTITION variable=term complete
    each<scaling<CONFIG_T>, in_T, out_T, CONFIG_T>(in, out, factor, term);
}

template <class in_T, class out_T, typename CONFIG_T>
void scale_by_channel(in_T in[CONFIG_T::size], out_T out[CONFIG_T::size],
                      typename CONFIG_T::factor_t factor[CONFIG_T::factor_size],
                      typename CONFIG_T::term_t term[CONFIG_T::term_size],
                      typename CONFIG_T::more_t more[CONFIG_T::more_size]) {
    #pragma HLS PIPELINE II=CONFIG_T::reuse_factor
    #pragma HLS ARRAY_PARTITION variable=factor complete
    #pragma HLS ARRAY_PARTITION variable=term complete
    #pragma HLS ARRAY_PARTITION variable=more complete
    each<scaling_by_channel<CONFIG_T>, in_T, out_T, CONFIG_T>(in, out, factor, term, more);
}

template <class in_T, class out_T, typename CONFIG_T>
void scale_by_channel(hls::stream<in_T> &in, hls::stream<out_T> &out,
                      typename CONFIG_T::factor_t factor[CONFIG_T::factor_size],
                      typename CONFIG_T::term_t term[CONFIG_T::term_size],
                      typename CONFIG_T::more_t more[CONFIG_T::more_size]) {
    #pragma HLS ARRAY_PARTITION variable=factor complete
    #pragma HLS ARRAY_PARTITION variable=term complete
    #pragma HLS ARRAY_PARTITION variable=more complete
    each<scaling_by_channel<CONFIG_T>, in_T, out_T, CONFIG_T>(in, out, factor, term, more);
}

template <class in_T, class out_T, typename CONFIG_T>
void count_steps(in_T in[CONFIG_T::size], out_T out[CONFIG_T::size],
                 typename CONFIG_T::first_t first[CONFIG_T::first_size],
                 typename CONFIG_T::falling_t falling[CONFIG_T::falling_size],
                 typename CONFIG_T::step_t steps[CONFIG_T::step_size]) {
    #pragma HLS PIPELINE II=CONFIG_T::reuse_factor
    #pragma HLS ARRAY_PARTITION variable=first complete
    #pragma HLS ARRAY_PARTITION variable=falling complete
    #pragma HLS ARRAY_PARTITION variable=steps complete
    each<counting<CONFIG_T>, in_T, out_T, CONFIG_T>(in, out, first, falling, steps);
}

template <class in_T, class out_T, typename CONFIG_T>
void count_steps(hls::stream<in_T> &in, hls::stream<out_T> &out,
                 typename CONFIG_T::first_t first[CONFIG_T::first_size],
                 typename CONFIG_T::falling_t falling[CONFIG_T::falling_size],
                 typename CONFIG_T::step_t steps[CONFIG_T::step_size]) {
    #pragma HLS ARRAY_PARTITION variable=first complete
    #pragma HLS ARRAY_PARTITION variable=falling complete
    #pragma HLS ARRAY_PARTITION variable=steps complete
    each<counting<CONFIG_T>, in_T, out_T, CONFIG_T>(in, out, first, falling, steps);
}

} // namespace levelone

#endif
