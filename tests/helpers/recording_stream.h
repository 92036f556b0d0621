// hls::stream for a C simulation that says in which order its streams are read and written.
#ifndef X_HLS_STREAM_SIM_H // the vendor's own guard: its header is then left out
#define X_HLS_STREAM_SIM_H

#include <cstdio>
#include <deque>
#include <string>

namespace hls {

template <typename T> class stream {
    std::string name;
    std::deque<T> beats;

  public:
    stream(const std::string name) : name(name) {}
    stream(const stream &) = delete;

    bool empty() { return beats.empty(); }

    size_t size() { return beats.size(); }

    T read() {
        std::fprintf(stderr, "read %s\n", name.c_str());
        const T beat = beats.at(0);
        beats.pop_front();
        return beat;
    }

    void write(const T &beat) {
        std::fprintf(stderr, "write %s\n", name.c_str());
        beats.push_back(beat);
    }
};

} // namespace hls

#endif
