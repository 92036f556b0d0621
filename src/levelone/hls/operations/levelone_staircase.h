// A function of few levels: the first level, and what every step that the code has reached adds. Part of levelone.
#ifndef LEVELONE_STAIRCASE_H_
#define LEVELONE_STAIRCASE_H_

#include "levelone_each.h"

namespace levelone {

template <typename CONFIG_T> struct climb {
    template <class in_T, class out_T>
    static void at(const in_T &in, out_T &out, unsigned channel, const typename CONFIG_T::first_t first[],
                   const typename CONFIG_T::step_t step[], const typename CONFIG_T::rise_t rise[]) {
        #pragma HLS INLINE
        ap_int<64> level = code(first[channel]);
        for (unsigned i = 0; i < CONFIG_T::steps; i++) {
            #pragma HLS UNROLL
            const unsigned at = channel * CONFIG_T::steps + i;
            if (signed_code(in) >= signed_code(step[at])) {
                level += code(rise[at]);
            }
        }
        set_code(out, level);
    }
};

template <class in_T, class out_T, typename CONFIG_T>
void staircase(in_T in[CONFIG_T::size], out_T out[CONFIG_T::size], typename CONFIG_T::first_t first[CONFIG_T::first_size],
               typename CONFIG_T::step_t step[CONFIG_T::step_size], typename CONFIG_T::rise_t rise[CONFIG_T::rise_size]) {
    #pragma HLS PIPELINE II=CONFIG_T::reuse_factor
    #pragma HLS ARRAY_PARTITION variable=first complete
    #pragma HLS ARRAY_PARTITION variable=step complete
    #pragma HLS ARRAY_PARTITION variable=rise complete
    each<climb<CONFIG_T>, in_T, out_T, CONFIG_T>(in, out, first, step, rise);
}

template <class in_T, class out_T, typename CONFIG_T>
void staircase(hls::stream<in_T> &in, hls::stream<out_T> &out, typename CONFIG_T::first_t first[CONFIG_T::first_size],
               typename CONFIG_T::step_t step[CONFIG_T::step_size], typename CONFIG_T::rise_t rise[CONFIG_T::rise_size]) {
    #pragma HLS ARRAY_PARTITION variable=first complete
    #pragma HLS ARRAY_PARTITION variable=step complete
    #pragma HLS ARRAY_PARTITION variable=rise complete
    each<climb<CONFIG_T>, in_T, out_T, CONFIG_T>(in, out, first, step, rise);
}

} // namespace levelone

#endif
