// Runs a verilated network: feeds beats with random gaps, takes beats with random stalls, records every layer.
//   simulate IN OUT gap stall seed patience reset...
// IN: for every input port int64 beats, then its words; then int64 beats of every output and every probe.
// OUT: int64 clocks, int64 finished; for every input: clock of each beat; for every output and probe: beats, clock of
// each beat, words. Integers are int64, words uint32 with the lowest bits first. Each reset comes at a clock of its own and
// starts the run over again. A run without a beat anywhere for `patience` clocks is given up. Part of levelone.
#include "@TOP@.h"
#include "verilated.h"
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <vector>

typedef std::vector<uint32_t> Words;

static void put(CData &port, const uint32_t *words) { port = words[0]; }
static void put(SData &port, const uint32_t *words) { port = words[0]; }
static void put(IData &port, const uint32_t *words) { port = words[0]; }
static void put(QData &port, const uint32_t *words) { port = words[0] | (QData)words[1] << 32; }
template <std::size_t N> static void put(VlWide<N> &port, const uint32_t *words) {
    for (std::size_t i = 0; i < N; i++) port[i] = words[i];
}
static void get(const CData &port, Words &words) { words.push_back(port); }
static void get(const SData &port, Words &words) { words.push_back(port); }
static void get(const IData &port, Words &words) { words.push_back(port); }
static void get(const QData &port, Words &words) {
    words.push_back((uint32_t)port);
    words.push_back(port >> 32);
}
template <std::size_t N> static void get(const VlWide<N> &port, Words &words) {
    for (std::size_t i = 0; i < N; i++) words.push_back(port[i]);
}

struct Port {
    int64_t beats = 0; // to send, or expected
    std::size_t words = 1;
    Words data;
    std::vector<int64_t> clocks; // when each beat was taken
    bool held = false;

    void start_over() {
        clocks.clear();
        held = false;
    }
    bool full() const { return (int64_t)clocks.size() >= beats; }
};

static int64_t number(FILE *file) {
    int64_t value;
    if (fread(&value, sizeof value, 1, file) != 1) std::exit(3);
    return value;
}
static void write(FILE *file, int64_t value) { fwrite(&value, sizeof value, 1, file); }

int main(int argc, char **argv) {
    if (argc < 7) return 3;
    FILE *file = fopen(argv[1], "rb");
    if (!file) return 3;
    std::vector<Port> in(@INPUTS@), out(@OUTPUTS@), probe(@PROBES@);
    const std::size_t in_words[] = {@IN_WORDS@};
    for (std::size_t i = 0; i < in.size(); i++) {
        in[i].beats = number(file);
        in[i].words = in_words[i];
        in[i].data.resize(in[i].beats * in[i].words);
        if (fread(in[i].data.data(), 4, in[i].data.size(), file) != in[i].data.size()) return 3;
    }
    for (Port &port : out) port.beats = number(file);
    for (Port &port : probe) port.beats = number(file);
    fclose(file);
    const double gap = atof(argv[3]), stall = atof(argv[4]);
    std::mt19937_64 random(atoll(argv[5]));
    std::uniform_real_distribution<double> uniform(0, 1);
    const int64_t patience = atoll(argv[6]);
    std::vector<int64_t> resets;
    for (int i = 7; i < argc; i++) resets.push_back(atoll(argv[i]));

    VerilatedContext context;
    @TOP@ top{&context};
    const auto tick = [&] {
        top.clk = 1;
        top.eval();
        top.clk = 0;
        top.eval();
    };
    const auto reset = [&] {
        @CLEAR@
        top.rst = 1;
        top.eval();
        tick();
        tick();
        top.rst = 0;
        for (std::vector<Port> *ports : {&in, &out, &probe})
            for (Port &port : *ports) {
                port.start_over();
                if (ports != &in) port.data.clear();
            }
    };
    top.clk = 0;
    reset();
    int64_t clock = 0, quiet = 0;
    std::size_t next_reset = 0;
    bool finished = false;
    while (!finished && quiet < patience) {
        if (next_reset < resets.size() && clock == resets[next_reset]) {
            reset();
            next_reset++;
            clock = quiet = 0;
        }
        std::size_t i = 0;
        const auto offer = [&](Port &port) {
            if (!port.held) port.held = !port.full() && (gap <= 0 || uniform(random) >= gap);
            return port.held ? port.data.data() + port.clocks.size() * port.words : nullptr;
        };
        @DRIVE@
        top.eval();
        bool any = false;
        const auto sent = [&](Port &port) {
            port.clocks.push_back(clock);
            port.held = false;
            any = true;
        };
        const auto seen = [&](Port &port, auto &data) {
            if (port.full()) return;
            port.clocks.push_back(clock);
            get(data, port.data);
            any = true;
        };
        @SAMPLE@
        (void)i;
        tick();
        clock++;
        quiet = any ? 0 : quiet + 1;
        finished = next_reset == resets.size();
        for (const Port &port : out) finished = finished && port.full();
        for (const Port &port : probe) finished = finished && port.full();
    }
    top.final();
    file = fopen(argv[2], "wb");
    if (!file) return 3;
    write(file, clock);
    write(file, finished);
    for (const Port &port : in) {
        write(file, port.clocks.size());
        fwrite(port.clocks.data(), sizeof(int64_t), port.clocks.size(), file);
    }
    for (const std::vector<Port> *ports : {&out, &probe})
        for (const Port &port : *ports) {
            write(file, port.clocks.size());
            fwrite(port.clocks.data(), sizeof(int64_t), port.clocks.size(), file);
            fwrite(port.data.data(), 4, port.data.size(), file);
        }
    return fclose(file) ? 3 : 0;
}
