// The same codes in the same order, in other beats. Part of levelone.
#ifndef LEVELONE_COPY_H_
#define LEVELONE_COPY_H_

#include "levelone_common.h"

namespace levelone {

template <class in_T, class out_T, typename CONFIG_T>
void copy(in_T in[CONFIG_T::size], out_T out[CONFIG_T::size]) {
    #pragma HLS PIPELINE II=CONFIG_T::reuse_factor
    for (unsigned i = 0; i < CONFIG_T::size; i++) {
        #pragma HLS UNROLL
        set_code(out[i], code(in[i]));
    }
}

// As many elements per clock as divide both kinds of beats.
template <class in_T, class out_T, typename CONFIG_T> void copy(hls::stream<in_T> &in, hls::stream<out_T> &out) {
    in_T beat;
    out_T result;
    unsigned taken = in_T::size, filled = 0;
CopyTogether:
    for (unsigned i = 0; i < CONFIG_T::size / CONFIG_T::together; i++) {
        #pragma HLS PIPELINE II=CONFIG_T::reuse_factor
        if (taken == in_T::size) {
            beat = in.read();
            taken = 0;
        }
        for (unsigned j = 0; j < CONFIG_T::together; j++) {
            #pragma HLS UNROLL
            set_code(result[filled + j], code(beat[taken + j]));
        }
        taken += CONFIG_T::together;
        filled += CONFIG_T::together;
        if (filled == out_T::size) {
            out.write(result);
            filled = 0;
        }
    }
}

} // namespace levelone

#endif
