// The larger of a code and a constant.
#ifndef OUTSIDE_RECTIFIER_H_
#define OUTSIDE_RECTIFIER_H_

#include "levelone_each.h"

namespace outside {

template <typename CONFIG_T> struct larger {
    template <class in_T, class out_T> static void at(const in_T &in, out_T &out, unsigned) {
        const ap_int<64> given = levelone::code(in), lowest = (int)CONFIG_T::lowest;
        levelone::set_code(out, given > lowest ? given : lowest);
    }
};

template <class in_T, class out_T, typename CONFIG_T> void rectifier(in_T in[CONFIG_T::size], out_T out[CONFIG_T::size]) {
    levelone::each<larger<CONFIG_T>, in_T, out_T, CONFIG_T>(in, out);
}

template <class in_T, class out_T, typename CONFIG_T> void rectifier(hls::stream<in_T> &in, hls::stream<out_T> &out) {
    levelone::each<larger<CONFIG_T>, in_T, out_T, CONFIG_T>(in, out);
}

} // namespace outside

#endif
