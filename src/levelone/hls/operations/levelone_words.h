// What a simulation records of numbers that one double cannot hold: the nearest double, and what that leaves.
// Part of levelone.
#ifndef LEVELONE_WORDS_H_
#define LEVELONE_WORDS_H_

#ifndef __SYNTHESIS__

#include "levelone_common.h"
#include "nnet_helpers.h"
#include <cmath>

namespace levelone {

// Together exact, for types of up to 106 bits.
template <class T> void two_words(const T &number, double &nearest, double &rest) {
    const ap_int<128> wide = signed_code(number);
    const __int128 high = ap_int<64>(wide.range(127, 64)).to_int64();
    const __int128 value = high * ((__int128)1 << 64) + ap_uint<64>(wide.range(63, 0)).to_uint64();
    const double rounded = (double)value;
    const int exponent = T::iwidth - T::width;
    nearest = std::ldexp(rounded, exponent);
    rest = std::ldexp((double)(value - (__int128)rounded), exponent);
}

// All nearest doubles, then all that they leave.
template <class data_T, size_t SIZE> void convert_data(data_T *data, double *words) {
    for (size_t i = 0; i < SIZE; i++) {
        two_words(data[i], words[i], words[SIZE + i]);
    }
}

template <class data_T, size_t SIZE> void convert_data(hls::stream<data_T> &data, double *words) {
    for (size_t i = 0; i < SIZE; i += data_T::size) {
        const data_T beat = data.read();
        for (size_t c = 0; c < data_T::size; c++) {
            two_words(beat[c], words[i + c], words[SIZE + i + c]);
        }
    }
}

// Room for two doubles per number, where doubles are recorded.
inline double *room_for(const char *name) {
    if (!nnet::trace_enabled || !nnet::trace_outputs || nnet::trace_type_size != sizeof(double)) {
        return NULL;
    }
    const auto found = nnet::trace_outputs->find(name);
    return found == nnet::trace_outputs->end() ? NULL : (double *)found->second;
}

template <class data_T> void save_layer_output(data_T *data, const char *name, size_t size) {
    double *words = room_for(name);
    if (!words) {
        nnet::save_layer_output<data_T>(data, name, size);
        return;
    }
    for (size_t i = 0; i < size; i++) {
        two_words(data[i], words[i], words[size + i]);
    }
}

template <class data_T> void save_layer_output(hls::stream<data_T> &data, const char *name, size_t size) {
    double *words = room_for(name);
    if (!words) {
        nnet::save_layer_output<data_T>(data, name, size);
        return;
    }
    for (size_t i = 0; i < size; i += data_T::size) {
        const data_T beat = data.read();
        for (size_t c = 0; c < data_T::size; c++) {
            two_words(beat[c], words[i + c], words[size + i + c]);
        }
        data.write(beat);
    }
}

} // namespace levelone

#endif

#endif
