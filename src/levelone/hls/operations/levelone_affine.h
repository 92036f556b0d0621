// An integer multiply and add per channel: code * factor + term. Part of levelone.
#ifndef LEVELONE_AFFINE_H_
#define LEVELONE_AFFINE_H_

#include "levelone_each.h"

namespace levelone {

template <typename CONFIG_T> struct multiply_add {
    template <class in_T, class out_T>
    static void at(const in_T &in, out_T &out, unsigned channel, const typename CONFIG_T::factor_t factor[],
                   const typename CONFIG_T::term_t term[]) {
        #pragma HLS INLINE
        set_code(out, code(in) * code(factor[channel]) + code(term[channel]));
    }
};

template <class in_T, class out_T, typename CONFIG_T>
void affine(in_T in[CONFIG_T::size], out_T out[CONFIG_T::size], typename CONFIG_T::factor_t factor[CONFIG_T::factor_size],
            typename CONFIG_T::term_t term[CONFIG_T::term_size]) {
    #pragma HLS PIPELINE II=CONFIG_T::reuse_factor
    #pragma HLS ARRAY_PARTITION variable=factor complete
    #pragma HLS ARRAY_PARTITION variable=term complete
    each<multiply_add<CONFIG_T>, in_T, out_T, CONFIG_T>(in, out, factor, term);
}

template <class in_T, class out_T, typename CONFIG_T>
void affine(hls::stream<in_T> &in, hls::stream<out_T> &out, typename CONFIG_T::factor_t factor[CONFIG_T::factor_size],
            typename CONFIG_T::term_t term[CONFIG_T::term_size]) {
    #pragma HLS ARRAY_PARTITION variable=factor complete
    #pragma HLS ARRAY_PARTITION variable=term complete
    each<multiply_add<CONFIG_T>, in_T, out_T, CONFIG_T>(in, out, factor, term);
}

} // namespace levelone

#endif
