// An integer multiply and add per channel: code * factor + term. Part of levelone.
#ifndef LEVELONE_AFFINE_H_
#define LEVELONE_AFFINE_H_

#include "levelone_common.h"

namespace levelone {

template <class in_T, class out_T, typename CONFIG_T>
void affine_one(const in_T &in, out_T &out, const typename CONFIG_T::factor_t &factor,
                const typename CONFIG_T::term_t &term) {
    #pragma HLS INLINE
    set_code(out, code(in) * code(factor) + code(term));
}

template <class in_T, class out_T, typename CONFIG_T>
void affine(in_T in[CONFIG_T::size], out_T out[CONFIG_T::size],
            typename CONFIG_T::factor_t factor[CONFIG_T::channels],
            typename CONFIG_T::term_t term[CONFIG_T::channels]) {
    #pragma HLS PIPELINE II=CONFIG_T::reuse_factor
AffineElement:
    for (unsigned i = 0; i < CONFIG_T::size; i++) {
        #pragma HLS UNROLL
        const unsigned c = i % CONFIG_T::channels;
        affine_one<in_T, out_T, CONFIG_T>(in[i], out[i], factor[c], term[c]);
    }
}

template <class in_T, class out_T, typename CONFIG_T>
void affine(hls::stream<in_T> &in, hls::stream<out_T> &out,
            typename CONFIG_T::factor_t factor[CONFIG_T::channels],
            typename CONFIG_T::term_t term[CONFIG_T::channels]) {
AffineBeat:
    for (unsigned i = 0; i < CONFIG_T::size / in_T::size; i++) {
        #pragma HLS PIPELINE II=CONFIG_T::reuse_factor
        const in_T beat = in.read();
        out_T result;
    AffineChannel:
        for (unsigned c = 0; c < in_T::size; c++) {
            #pragma HLS UNROLL
            affine_one<typename in_T::value_type, typename out_T::value_type, CONFIG_T>(beat[c], result[c],
                                                                                        factor[c], term[c]);
        }
        out.write(result);
    }
}

} // namespace levelone

#endif
