// Convolution over up to three axes, any groups, unrolled or streamed. Part of levelone.
#ifndef LEVELONE_CONV_H_
#define LEVELONE_CONV_H_

#include "levelone_window.h"

namespace levelone {

template <typename CONFIG_T> struct weighted_sum {
    static const unsigned taps = window_of<CONFIG_T>::taps;
    static const unsigned group_channels = CONFIG_T::channels / CONFIG_T::groups;
    static const unsigned group_filters = CONFIG_T::out_channels / CONFIG_T::groups;

    // weights: [tap][channel of a group][output channel]
    template <class value_T, class result_T>
    static void at(unsigned, const value_T window[], const bool data[], result_T result[],
                   const typename CONFIG_T::weight_t weights[], const typename CONFIG_T::bias_t biases[]) {
        #pragma HLS INLINE
        typename CONFIG_T::accum_t sum[CONFIG_T::out_channels];
        #pragma HLS ARRAY_PARTITION variable=sum complete
        for (unsigned f = 0; f < CONFIG_T::out_channels; f++) {
            sum[f] = biases[f];
        }
        for (unsigned tap = 0; tap < taps; tap++) {
            for (unsigned c = 0; c < CONFIG_T::channels; c++) {
                const value_T operand = window[tap * CONFIG_T::channels + c];
#ifndef __SYNTHESIS__
                if (operand == 0) { // adds nothing: only the simulation is in a hurry
                    continue;
                }
#endif
                const unsigned group = c / group_channels;
                const unsigned row = (tap * group_channels + c % group_channels) * CONFIG_T::out_channels;
                for (unsigned f = group * group_filters; f < (group + 1) * group_filters; f++) {
                    sum[f] += operand * weights[row + f];
                }
            }
        }
        for (unsigned f = 0; f < CONFIG_T::out_channels; f++) {
            result[f] = sum[f];
        }
    }
};

// Every weight is at hand in every clock, or, with the resource strategy, the weights are cut into as many banks as there
// are multipliers. Not one of these functions has been synthesised: under PIPELINE every index is a constant and nothing
// writes the weights, so the tool may turn them into logic instead of memories. ALLOCATION bounds the multipliers.
template <class in_T, class out_T, typename CONFIG_T>
void conv(in_T in[window_of<CONFIG_T>::in_size], out_T out[window_of<CONFIG_T>::out_size],
          typename CONFIG_T::weight_t weights[CONFIG_T::weight_size], typename CONFIG_T::bias_t biases[CONFIG_T::bias_size]) {
    #pragma HLS ALLOCATION operation instances=mul limit=CONFIG_T::multiplier_limit
    #pragma HLS ARRAY_PARTITION variable=biases complete
    if (CONFIG_T::weight_banks < CONFIG_T::weight_size) {
        #pragma HLS ARRAY_PARTITION variable=weights cyclic factor=CONFIG_T::weight_banks
    } else {
        #pragma HLS ARRAY_PARTITION variable=weights complete
    }
    slide<weighted_sum<CONFIG_T>, in_T, out_T, CONFIG_T>(in, out, weights, biases);
}

template <class in_T, class out_T, typename CONFIG_T>
void conv(hls::stream<in_T> &in, hls::stream<out_T> &out, typename CONFIG_T::weight_t weights[CONFIG_T::weight_size],
          typename CONFIG_T::bias_t biases[CONFIG_T::bias_size]) {
    #pragma HLS ALLOCATION operation instances=mul limit=CONFIG_T::multiplier_limit
    #pragma HLS ARRAY_PARTITION variable=biases complete
    if (CONFIG_T::weight_banks < CONFIG_T::weight_size) {
        #pragma HLS ARRAY_PARTITION variable=weights cyclic factor=CONFIG_T::weight_banks
    } else {
        #pragma HLS ARRAY_PARTITION variable=weights complete
    }
    slide<weighted_sum<CONFIG_T>, in_T, out_T, CONFIG_T>(in, out, weights, biases);
}

} // namespace levelone

#endif
