// The sum of two tensors of any scales, rounded once, in integers that hold every step exactly. Part of levelone.
#ifndef LEVELONE_ADD_REQUANTISE_H_
#define LEVELONE_ADD_REQUANTISE_H_

#include "levelone_requantise.h"

namespace levelone {

// A constant from its parts, the lowest first.
template <typename CONFIG_T, class T> ap_int<CONFIG_T::bits> joined_limbs(const T part[], unsigned channel) {
    #pragma HLS INLINE
    ap_int<CONFIG_T::bits> result = 0;
    for (unsigned i = CONFIG_T::limbs; i-- > 0;) {
        #pragma HLS UNROLL
        result = (result << CONFIG_T::limb_bits) + code(part[channel * CONFIG_T::limbs + i]);
    }
    return result;
}

// clip(round((a * first + b * second + term) / divisor)) - zero_point
template <typename CONFIG_T> struct requantised_sum {
    template <class a_T, class b_T, class out_T>
    static void at(const a_T &a, const b_T &b, out_T &out, unsigned channel, const typename CONFIG_T::first_t first[],
                   const typename CONFIG_T::second_t second[], const typename CONFIG_T::term_t term[],
                   const typename CONFIG_T::divisor_t divisor_parts[]) {
        #pragma HLS INLINE
        typedef ap_int<CONFIG_T::bits> wide_T;
        const wide_T from_a = signed_code(a) * joined_limbs<CONFIG_T>(first, channel);
        const wide_T from_b = signed_code(b) * joined_limbs<CONFIG_T>(second, channel);
        const wide_T total = from_a + from_b + joined_limbs<CONFIG_T>(term, channel);
        const wide_T divisor = joined_limbs<CONFIG_T>(divisor_parts, channel);
        const ap_int<64> below = (long long)CONFIG_T::lowest + (long long)CONFIG_T::zero_point - 1;
        // the floor of the quotient if it is within the limits, and what is left over; else a number beyond them
        ap_int<64> result = below;
        wide_T rest = total - divisor * below;
        for (unsigned bit = CONFIG_T::quotient_bits; bit-- > 0;) {
            #pragma HLS UNROLL
            const wide_T part = divisor << bit;
            if (rest >= part) {
                rest -= part;
                result += ap_int<64>(1) << bit;
            }
        }
        const wide_T doubled = rest << 1;
        result += rounds_up<CONFIG_T>(rest != 0, doubled > divisor, doubled == divisor, total < 0, result[0]);
        result -= (long long)CONFIG_T::zero_point;
        set_clipped<CONFIG_T>(out, result);
    }
};

template <class a_T, class b_T, class out_T, typename CONFIG_T>
void add_requantise(a_T a[CONFIG_T::size], b_T b[CONFIG_T::size], out_T out[CONFIG_T::size],
                    typename CONFIG_T::first_t first[CONFIG_T::first_size],
                    typename CONFIG_T::second_t second[CONFIG_T::second_size],
                    typename CONFIG_T::term_t term[CONFIG_T::term_size],
                    typename CONFIG_T::divisor_t divisor[CONFIG_T::divisor_size]) {
    #pragma HLS PIPELINE II=CONFIG_T::reuse_factor
    #pragma HLS ARRAY_PARTITION variable=first complete
    #pragma HLS ARRAY_PARTITION variable=second complete
    #pragma HLS ARRAY_PARTITION variable=term complete
    #pragma HLS ARRAY_PARTITION variable=divisor complete
    for (unsigned i = 0; i < CONFIG_T::size; i++) {
        #pragma HLS UNROLL
        requantised_sum<CONFIG_T>::at(a[i], b[i], out[i], i % CONFIG_T::channels, first, second, term, divisor);
    }
}

template <class a_T, class b_T, class out_T, typename CONFIG_T>
void add_requantise(hls::stream<a_T> &a, hls::stream<b_T> &b, hls::stream<out_T> &out,
                    typename CONFIG_T::first_t first[CONFIG_T::first_size],
                    typename CONFIG_T::second_t second[CONFIG_T::second_size],
                    typename CONFIG_T::term_t term[CONFIG_T::term_size],
                    typename CONFIG_T::divisor_t divisor[CONFIG_T::divisor_size]) {
    #pragma HLS ARRAY_PARTITION variable=first complete
    #pragma HLS ARRAY_PARTITION variable=second complete
    #pragma HLS ARRAY_PARTITION variable=term complete
    #pragma HLS ARRAY_PARTITION variable=divisor complete
    for (unsigned i = 0; i < CONFIG_T::size / a_T::size; i++) {
        #pragma HLS PIPELINE II=CONFIG_T::reuse_factor
        const a_T beat_a = a.read();
        const b_T beat_b = b.read();
        out_T result;
        for (unsigned c = 0; c < a_T::size; c++) {
            #pragma HLS UNROLL
            requantised_sum<CONFIG_T>::at(beat_a[c], beat_b[c], result[c], c % CONFIG_T::channels, first, second, term,
                                       divisor);
        }
        out.write(result);
    }
}

} // namespace levelone

#endif
