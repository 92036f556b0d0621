// One operation on every element of a tensor, unrolled or streamed. Part of levelone.
//
// `OP::at` computes one element, told its channel and given the parameters of the layer.
#ifndef LEVELONE_EACH_H_
#define LEVELONE_EACH_H_

#include "levelone_common.h"

namespace levelone {

// Both are part of the function that calls them; the unrolled one wants its pragma PIPELINE.
template <class OP, class in_T, class out_T, typename CONFIG_T, class... PARAMETERS>
void each(in_T in[CONFIG_T::size], out_T out[CONFIG_T::size], PARAMETERS... parameters) {
    #pragma HLS INLINE
    for (unsigned i = 0; i < CONFIG_T::size; i++) {
        #pragma HLS UNROLL
        OP::at(in[i], out[i], i % CONFIG_T::channels, parameters...);
    }
}

template <class OP, class in_T, class out_T, typename CONFIG_T, class... PARAMETERS>
void each(hls::stream<in_T> &in, hls::stream<out_T> &out, PARAMETERS... parameters) {
    #pragma HLS INLINE
EachBeat:
    for (unsigned i = 0; i < CONFIG_T::size / in_T::size; i++) {
        #pragma HLS PIPELINE II=CONFIG_T::reuse_factor
        const in_T beat = in.read();
        out_T result;
        for (unsigned c = 0; c < in_T::size; c++) {
            #pragma HLS UNROLL
            OP::at(beat[c], result[c], c % CONFIG_T::channels, parameters...);
        }
        out.write(result);
    }
}

} // namespace levelone

#endif
