// Maximum and average pooling over up to three axes, unrolled or streamed. Part of levelone.
#ifndef LEVELONE_POOL_H_
#define LEVELONE_POOL_H_

#include "levelone_window.h"

namespace levelone {

template <typename CONFIG_T> struct maximum {
    template <class value_T, class result_T>
    static void at(unsigned, const value_T window[], const bool data[], result_T result[]) {
        #pragma HLS INLINE
        for (unsigned c = 0; c < CONFIG_T::channels; c++) {
            value_T best = 0;
            bool any = false;
            for (unsigned tap = 0; tap < window_of<CONFIG_T>::taps; tap++) {
                const value_T candidate = window[tap * CONFIG_T::channels + c];
                if (data[tap] && (!any || best < candidate)) {
                    best = candidate;
                    any = true;
                }
            }
            result[c] = best;
        }
    }
};

// The sum under the window, channel by channel: padding is zero.
template <typename CONFIG_T, class value_T>
void add_up(const value_T window[], typename code_of<typename CONFIG_T::accum_t>::type sum[CONFIG_T::channels]) {
    #pragma HLS INLINE
    for (unsigned c = 0; c < CONFIG_T::channels; c++) {
        sum[c] = 0;
        for (unsigned tap = 0; tap < window_of<CONFIG_T>::taps; tap++) {
            sum[c] += code(window[tap * CONFIG_T::channels + c]);
        }
    }
}

// Where all windows count the same number of elements, the sum is the mean on a finer grid.
template <typename CONFIG_T> struct sum {
    template <class value_T, class result_T>
    static void at(unsigned, const value_T window[], const bool data[], result_T result[]) {
        #pragma HLS INLINE
        typename code_of<typename CONFIG_T::accum_t>::type sum[CONFIG_T::channels];
        add_up<CONFIG_T>(window, sum);
        for (unsigned c = 0; c < CONFIG_T::channels; c++) {
            set_code(result[c], sum[c]);
        }
    }
};

// Elsewhere it is the sum times the factor that belongs to the number of elements under the window.
template <typename CONFIG_T> struct mean {
    template <class value_T, class result_T>
    static void at(unsigned, const value_T window[], const bool data[], result_T result[],
                   const typename CONFIG_T::factor_t factors[]) {
        #pragma HLS INLINE
        unsigned count = 0;
        for (unsigned tap = 0; tap < window_of<CONFIG_T>::taps; tap++) {
            count += data[tap];
        }
        typename code_of<typename CONFIG_T::accum_t>::type sum[CONFIG_T::channels];
        add_up<CONFIG_T>(window, sum);
        for (unsigned c = 0; c < CONFIG_T::channels; c++) {
            set_code(result[c], sum[c] * code(factors[count]));
        }
    }
};

template <class in_T, class out_T, typename CONFIG_T>
void max_pool(in_T in[window_of<CONFIG_T>::in_size], out_T out[window_of<CONFIG_T>::out_size]) {
    slide<maximum<CONFIG_T>, in_T, out_T, CONFIG_T>(in, out);
}

template <class in_T, class out_T, typename CONFIG_T>
void max_pool(hls::stream<in_T> &in, hls::stream<out_T> &out) {
    slide<maximum<CONFIG_T>, in_T, out_T, CONFIG_T>(in, out);
}

template <class in_T, class out_T, typename CONFIG_T>
void sum_pool(in_T in[window_of<CONFIG_T>::in_size], out_T out[window_of<CONFIG_T>::out_size]) {
    slide<sum<CONFIG_T>, in_T, out_T, CONFIG_T>(in, out);
}

template <class in_T, class out_T, typename CONFIG_T>
void sum_pool(hls::stream<in_T> &in, hls::stream<out_T> &out) {
    slide<sum<CONFIG_T>, in_T, out_T, CONFIG_T>(in, out);
}

template <class in_T, class out_T, typename CONFIG_T>
void average_pool(in_T in[window_of<CONFIG_T>::in_size], out_T out[window_of<CONFIG_T>::out_size],
                  typename CONFIG_T::factor_t factors[CONFIG_T::factor_size]) {
    #pragma HLS ARRAY_PARTITION variable=factors complete
    slide<mean<CONFIG_T>, in_T, out_T, CONFIG_T>(in, out, factors);
}

template <class in_T, class out_T, typename CONFIG_T>
void average_pool(hls::stream<in_T> &in, hls::stream<out_T> &out, typename CONFIG_T::factor_t factors[CONFIG_T::factor_size]) {
    #pragma HLS ARRAY_PARTITION variable=factors complete
    slide<mean<CONFIG_T>, in_T, out_T, CONFIG_T>(in, out, factors);
}

} // namespace levelone

#endif
