// Integer codes of fixed-point numbers: the bits of a number, whatever its binary point. Part of levelone.
#ifndef LEVELONE_COMMON_H_
#define LEVELONE_COMMON_H_

#include "ap_fixed.h"
#include "ap_int.h"
#include "hls_stream.h"
#include "nnet_common.h"
#include "nnet_types.h"

namespace levelone {

// The integer type that holds the code of a fixed-point type.
template <class T> struct code_of;
template <int W, int I, ap_q_mode Q, ap_o_mode O, int N> struct code_of<ap_fixed<W, I, Q, O, N>> {
    typedef ap_int<W> type;
};
template <int W, int I, ap_q_mode Q, ap_o_mode O, int N> struct code_of<ap_ufixed<W, I, Q, O, N>> {
    typedef ap_uint<W> type;
};
template <int W> struct code_of<ap_int<W>> {
    typedef ap_int<W> type;
};
template <int W> struct code_of<ap_uint<W>> {
    typedef ap_uint<W> type;
};

template <class T> typename code_of<T>::type code(const T &number) {
    #pragma HLS INLINE
    typename code_of<T>::type result = 0;
    result.range(T::width - 1, 0) = number.range(T::width - 1, 0);
    return result;
}

// The same with a sign, so that codes of any two types can be compared: between signed and unsigned numbers
// the vendor's comparison takes a negative one for a large one.
template <class T> ap_int<T::width + 1> signed_code(const T &number) {
    #pragma HLS INLINE
    return code(number);
}

template <class T, class C> void set_code(T &number, const C &value) {
    #pragma HLS INLINE
    const typename code_of<T>::type narrowed = value;
    number.range(T::width - 1, 0) = narrowed.range(T::width - 1, 0);
}

} // namespace levelone

#endif
