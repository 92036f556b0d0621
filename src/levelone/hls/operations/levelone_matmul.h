// Products of two tensors of matrices: [batch, rows, inner] and [batch, inner, columns]. Part of levelone.
#ifndef LEVELONE_MATMUL_H_
#define LEVELONE_MATMUL_H_

#include "levelone_common.h"

namespace levelone {

template <class a_T, class b_T, class out_T, typename CONFIG_T>
void matmul(a_T a[CONFIG_T::a_size], b_T b[CONFIG_T::b_size], out_T out[CONFIG_T::out_size]) {
    #pragma HLS PIPELINE II=CONFIG_T::reuse_factor
    typedef typename code_of<typename CONFIG_T::accum_t>::type sum_T;
    for (unsigned i = 0; i < CONFIG_T::batch * CONFIG_T::rows; i++) {
        #pragma HLS UNROLL
        const unsigned begin = i / CONFIG_T::rows * CONFIG_T::inner;
        for (unsigned c = 0; c < CONFIG_T::columns; c++) {
            #pragma HLS UNROLL
            sum_T sum = 0;
            for (unsigned k = 0; k < CONFIG_T::inner; k++) {
                #pragma HLS UNROLL
                sum += code(a[i * CONFIG_T::inner + k]) * code(b[(begin + k) * CONFIG_T::columns + c]);
            }
            set_code(out[i * CONFIG_T::columns + c], sum);
        }
    }
}

// A row of a matrix is a beat.
template <class a_T, class b_T, class out_T, typename CONFIG_T>
void matmul(hls::stream<a_T> &a, hls::stream<b_T> &b, hls::stream<out_T> &out) {
    typedef typename code_of<typename CONFIG_T::accum_t>::type sum_T;
    static b_T matrix[CONFIG_T::inner];
    #pragma HLS ARRAY_PARTITION variable=matrix complete
    for (unsigned i = 0; i < CONFIG_T::batch; i++) {
    TakeMatrix:
        for (unsigned k = 0; k < CONFIG_T::inner; k++) {
            #pragma HLS PIPELINE II=1
            matrix[k] = b.read();
        }
    MultiplyRow:
        for (unsigned r = 0; r < CONFIG_T::rows; r++) {
            #pragma HLS PIPELINE II=CONFIG_T::reuse_factor
            const a_T row = a.read();
            out_T result;
            for (unsigned c = 0; c < CONFIG_T::columns; c++) {
                #pragma HLS UNROLL
                sum_T sum = 0;
                for (unsigned k = 0; k < CONFIG_T::inner; k++) {
                    #pragma HLS UNROLL
                    sum += code(row[k]) * code(matrix[k][c]);
                }
                set_code(result[c], sum);
            }
            out.write(result);
        }
    }
}

} // namespace levelone

#endif
