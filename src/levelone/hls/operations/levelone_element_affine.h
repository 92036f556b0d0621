// An integer multiply and add with constants of every element: code * factor + term. Part of levelone.
#ifndef LEVELONE_ELEMENT_AFFINE_H_
#define LEVELONE_ELEMENT_AFFINE_H_

#include "levelone_common.h"

namespace levelone {

// One constant for all elements, or one for each in their order.
template <unsigned SIZE, class T> typename code_of<T>::type constant_of(const T constants[], unsigned at) {
    #pragma HLS INLINE
    return code(constants[SIZE > 1 ? at : 0]);
}

template <class in_T, class out_T, typename CONFIG_T>
void element_affine(in_T in[CONFIG_T::size], out_T out[CONFIG_T::size],
                    typename CONFIG_T::factor_t factor[CONFIG_T::factor_size],
                    typename CONFIG_T::term_t term[CONFIG_T::term_size]) {
    #pragma HLS PIPELINE II=CONFIG_T::reuse_factor
    for (unsigned i = 0; i < CONFIG_T::size; i++) {
        #pragma HLS UNROLL
        set_code(out[i], code(in[i]) * constant_of<CONFIG_T::factor_size>(factor, i) +
                             constant_of<CONFIG_T::term_size>(term, i));
    }
}

template <class in_T, class out_T, typename CONFIG_T>
void element_affine(hls::stream<in_T> &in, hls::stream<out_T> &out,
                    typename CONFIG_T::factor_t factor[CONFIG_T::factor_size],
                    typename CONFIG_T::term_t term[CONFIG_T::term_size]) {
    // the constants of a beat are read at once, from memories of its width
    #pragma HLS ARRAY_RESHAPE variable=factor cyclic factor=in_T::size
    #pragma HLS ARRAY_RESHAPE variable=term cyclic factor=in_T::size
AffineBeat:
    for (unsigned i = 0; i < CONFIG_T::size; i += in_T::size) {
        #pragma HLS PIPELINE II=CONFIG_T::reuse_factor
        const in_T beat = in.read();
        out_T result;
        for (unsigned c = 0; c < in_T::size; c++) {
            #pragma HLS UNROLL
            set_code(result[c], code(beat[c]) * constant_of<CONFIG_T::factor_size>(factor, i + c) +
                                    constant_of<CONFIG_T::term_size>(term, i + c));
        }
        out.write(result);
    }
}

} // namespace levelone

#endif
