// Elements moved, repeated, left out or replaced by a constant: padding, upsampling, slices, transposes. Part of levelone.
#ifndef LEVELONE_GATHER_H_
#define LEVELONE_GATHER_H_

#include "levelone_common.h"

namespace levelone {

// Unrolled: wires. `source` has an entry for every output element, in_size where it is the constant.
template <class in_T, class out_T, typename CONFIG_T>
void gather(in_T in[CONFIG_T::in_size], out_T out[CONFIG_T::out_size],
            typename CONFIG_T::source_t source[CONFIG_T::source_size]) {
    #pragma HLS PIPELINE II=CONFIG_T::reuse_factor
    #pragma HLS ARRAY_PARTITION variable=source complete
    for (unsigned i = 0; i < CONFIG_T::out_size; i++) {
        #pragma HLS UNROLL
        const unsigned from = code(source[i]);
        if (from < CONFIG_T::in_size) {
            set_code(out[i], code(in[from]));
        } else {
            set_code(out[i], ap_int<64>((long long)CONFIG_T::fill));
        }
    }
}

// Streamed: which beats are taken and given in which clock is known beforehand, so nothing that happens decides what
// happens next. `take` says whether a beat is read, into the next slot of `recent`; `slot` where the beat that is then
// given lies: `history` where it is the constant, one more where there is none. `channel` has an entry for every
// channel of a beat. Input is read when it is first needed, and the last `history` beats are kept: as many as are
// looked back on, and no more.
template <class in_T, class out_T, typename CONFIG_T>
void gather(hls::stream<in_T> &in, hls::stream<out_T> &out, typename CONFIG_T::take_t take[CONFIG_T::take_size],
            typename CONFIG_T::slot_t slot[CONFIG_T::slot_size],
            typename CONFIG_T::channel_t channel[CONFIG_T::channel_size]) {
    static in_T recent[CONFIG_T::history];
    #pragma HLS AGGREGATE variable=recent
    #pragma HLS ARRAY_PARTITION variable=channel complete
    unsigned next = 0;
GatherTick:
    for (unsigned tick = 0; tick < CONFIG_T::take_size; tick++) {
        #pragma HLS PIPELINE II=1
        if (take[tick] != 0) {
            recent[next] = in.read();
            next = next + 1 < CONFIG_T::history ? next + 1 : 0;
        }
        const unsigned from = code(slot[tick]);
        const bool constant = from == CONFIG_T::history;
        if (from <= CONFIG_T::history) {
            out_T result;
            for (unsigned c = 0; c < out_T::size; c++) {
                #pragma HLS UNROLL
                const unsigned from_channel = code(channel[c]);
                if (constant || from_channel == in_T::size) {
                    set_code(result[c], ap_int<64>((long long)CONFIG_T::fill));
                } else {
                    set_code(result[c], code(recent[from][from_channel]));
                }
            }
            out.write(result);
        }
    }
}

// Streamed, where channels and positions change places: everything has to arrive first. A memory has two ports, so that
// a beat takes half as many clocks as it has channels, wherever they come from.
template <class in_T, class out_T, typename CONFIG_T>
void gather_all(hls::stream<in_T> &in, hls::stream<out_T> &out,
                typename CONFIG_T::source_t source[CONFIG_T::source_size]) {
    static typename in_T::value_type all[CONFIG_T::in_size];
    const unsigned in_beat = in_T::size, out_beat = out_T::size, clocks = (out_beat + 1) / 2;
    #pragma HLS ARRAY_PARTITION variable=all cyclic factor=in_beat
    #pragma HLS ARRAY_PARTITION variable=source cyclic factor=out_beat
GatherAllRead:
    for (unsigned i = 0; i < CONFIG_T::in_size / in_T::size; i++) {
        #pragma HLS PIPELINE II=1
        const in_T beat = in.read();
        for (unsigned c = 0; c < in_T::size; c++) {
            #pragma HLS UNROLL
            all[i * in_T::size + c] = beat[c];
        }
    }
GatherAllWrite:
    for (unsigned i = 0; i < CONFIG_T::out_size / out_T::size; i++) {
        #pragma HLS PIPELINE II=clocks
        out_T result;
        for (unsigned c = 0; c < out_T::size; c++) {
            #pragma HLS UNROLL
            const unsigned from = code(source[i * out_T::size + c]);
            if (from < CONFIG_T::in_size) {
                set_code(result[c], code(all[from]));
            } else {
                set_code(result[c], ap_int<64>((long long)CONFIG_T::fill));
            }
        }
        out.write(result);
    }
}

} // namespace levelone

#endif
