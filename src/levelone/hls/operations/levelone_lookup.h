// Any function of one code, as a table for the tensor or for each channel. Part of levelone.
#ifndef LEVELONE_LOOKUP_H_
#define LEVELONE_LOOKUP_H_

#include "levelone_each.h"

namespace levelone {

template <typename CONFIG_T> struct look_up {
    template <class in_T, class out_T>
    static void at(const in_T &in, out_T &out, unsigned channel, const typename CONFIG_T::table_t table[]) {
        #pragma HLS INLINE
        const unsigned entry = code(in) - CONFIG_T::lowest;
        set_code(out, code(table[channel * CONFIG_T::entries + entry]));
    }
};

// A table of more entries is a memory, whose two ports bound how many elements are looked up in a clock.
static const unsigned largest_logic = 1024;

template <class in_T, class out_T, typename CONFIG_T>
void lookup(in_T in[CONFIG_T::size], out_T out[CONFIG_T::size], typename CONFIG_T::table_t table[CONFIG_T::table_size]) {
    #pragma HLS PIPELINE II=CONFIG_T::reuse_factor
    if (CONFIG_T::table_size <= largest_logic) {
        #pragma HLS ARRAY_PARTITION variable=table complete
    }
    each<look_up<CONFIG_T>, in_T, out_T, CONFIG_T>(in, out, table);
}

template <class in_T, class out_T, typename CONFIG_T>
void lookup(hls::stream<in_T> &in, hls::stream<out_T> &out, typename CONFIG_T::table_t table[CONFIG_T::table_size]) {
    if (CONFIG_T::table_size <= largest_logic) {
        #pragma HLS ARRAY_PARTITION variable=table complete
    }
    each<look_up<CONFIG_T>, in_T, out_T, CONFIG_T>(in, out, table);
}

} // namespace levelone

#endif
