// A whole power of every element: it is multiplied with itself. Part of levelone.
#ifndef LEVELONE_POWER_H_
#define LEVELONE_POWER_H_

#include "levelone_each.h"

namespace levelone {

template <typename CONFIG_T> struct power_of {
    template <class in_T, class out_T> static void at(const in_T &in, out_T &out, unsigned channel) {
        #pragma HLS INLINE
        // a bit more than the result has: that may be without a sign, the factors are not
        const ap_int<in_T::width + 1> factor = signed_code(in);
        ap_int<out_T::width + 1> product = factor;
        for (unsigned i = 1; i < CONFIG_T::exponent; i++) {
            #pragma HLS UNROLL
            product *= factor;
        }
        set_code(out, product);
    }
};

template <class in_T, class out_T, typename CONFIG_T>
void power(in_T in[CONFIG_T::size], out_T out[CONFIG_T::size]) {
    #pragma HLS PIPELINE II=CONFIG_T::reuse_factor
    each<power_of<CONFIG_T>, in_T, out_T, CONFIG_T>(in, out);
}

template <class in_T, class out_T, typename CONFIG_T>
void power(hls::stream<in_T> &in, hls::stream<out_T> &out) {
    each<power_of<CONFIG_T>, in_T, out_T, CONFIG_T>(in, out);
}

} // namespace levelone

#endif
