// Convolution whose kernel differs from position to position, over up to three axes. Part of levelone.
#ifndef LEVELONE_LOCALLY_CONNECTED_H_
#define LEVELONE_LOCALLY_CONNECTED_H_

#include "levelone_conv.h"

namespace levelone {

// weights: [position][tap][channel of a group][output channel], biases: [position][output channel]
template <typename CONFIG_T> struct own_sum {
    template <class value_T, class result_T>
    static void at(unsigned position, const value_T window[], const bool data[], result_T result[],
                   const typename CONFIG_T::weight_t weights[], const typename CONFIG_T::bias_t biases[]) {
        #pragma HLS INLINE
        const typename CONFIG_T::weight_t *own_weights = weights + position * CONFIG_T::kernel_size;
        const typename CONFIG_T::bias_t *own_biases = biases + position * CONFIG_T::out_channels;
        weighted_sum<CONFIG_T>::at(position, window, data, result, own_weights, own_biases);
    }
};

// The kernels of the positions that are computed at once are at hand in one clock, or in `reuse_factor` clocks; all others
// wait in a memory, a word per position. Not one of these functions has been synthesised.
template <class in_T, class out_T, typename CONFIG_T>
void locally_connected(in_T in[window_of<CONFIG_T>::in_size], out_T out[window_of<CONFIG_T>::out_size],
                       typename CONFIG_T::weight_t weights[CONFIG_T::weight_size],
                       typename CONFIG_T::bias_t biases[CONFIG_T::bias_size]) {
    #pragma HLS ALLOCATION operation instances=mul limit=CONFIG_T::multiplier_limit
    #pragma HLS ARRAY_RESHAPE variable=weights cyclic factor=CONFIG_T::weight_banks
    #pragma HLS ARRAY_RESHAPE variable=biases cyclic factor=CONFIG_T::partition * CONFIG_T::out_channels
    slide<own_sum<CONFIG_T>, in_T, out_T, CONFIG_T>(in, out, weights, biases);
}

template <class in_T, class out_T, typename CONFIG_T>
void locally_connected(hls::stream<in_T> &in, hls::stream<out_T> &out,
                       typename CONFIG_T::weight_t weights[CONFIG_T::weight_size],
                       typename CONFIG_T::bias_t biases[CONFIG_T::bias_size]) {
    #pragma HLS ALLOCATION operation instances=mul limit=CONFIG_T::multiplier_limit
    #pragma HLS ARRAY_RESHAPE variable=weights cyclic factor=CONFIG_T::weight_banks
    #pragma HLS ARRAY_RESHAPE variable=biases cyclic factor=CONFIG_T::out_channels
    slide<own_sum<CONFIG_T>, in_T, out_T, CONFIG_T>(in, out, weights, biases);
}

} // namespace levelone

#endif
