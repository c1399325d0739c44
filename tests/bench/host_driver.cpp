// SPDX-License-Identifier: MIT
// One measurement of one allocator in a process of its own, for tools/measure_heap.py:
//
//     churn ALLOCATOR SIZES STEPS     for callgrind, which counts what measured_churn does; prints
//                                     how many steps it were; 0 if it has no such calls
//     time ALLOCATOR SIZES STEPS      prints nanoseconds of processor time
//     threads ALLOCATOR SIZES STEPS   prints nanoseconds of wall time with one and with two threads
//     fill ALLOCATOR TRACE            prints bytes of the region, and bytes that live when a
//                                     request fails
//     peak ALLOCATOR TRACE            prints bytes that live, and bytes by which the process grew
//     file ALLOCATOR                  prints the file that the allocator's code is in
//     list ALLOCATOR                  prints the names of all allocators
//
// SIZES and TRACE are names of trace.hpp, fill.hpp and lifetimes.hpp; STEPS calls are measured,
// several times where time is, of which the best counts. Output is lines of "figure NAME VALUE".
// What the driver needs itself comes from mmap, not from what is measured.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <thread>

#include "tests/bench/churn.hpp"
#include "tests/bench/fill.hpp"
#include "tests/bench/lifetimes.hpp"

namespace cairn::bench {

/// Steps to warm up with and steps to measure, and what lives meanwhile.
struct Churn {
    Sizes sizes;
    std::span<Step> warm_up;
    std::span<Step> measured;
    Slots blocks;
};

namespace {

constexpr std::size_t region_size = std::size_t{100} << 20;
constexpr std::size_t searched_region_size = std::size_t{8} << 20;
constexpr std::size_t peak_limit = std::size_t{64} << 20;
constexpr std::size_t most_blocks = std::size_t{8} << 20;
constexpr std::size_t least_steps = 2000;  // to warm up with
constexpr unsigned rounds = 5;
constexpr unsigned races = 100;

struct Request {
    const Allocator& allocator;
    std::string_view workload;
    std::size_t steps;
};

[[noreturn]] void fail(const char* sentence) {
    std::fprintf(stderr, "heap benchmark: %s\n", sentence);
    std::exit(2);
}

template <class T>
std::span<T> map_array(std::size_t count) {
    void* const base = ::mmap(nullptr, count * sizeof(T), PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED) fail("no memory");
    return {static_cast<T*>(base), count};
}

Sizes sizes_of(const Request& request) {
    const auto sizes = sizes_from(request.workload);
    if (!sizes) fail("no such sizes");
    return *sizes;
}

Churn prepare(const Request& request, std::uint64_t seed) {
    const std::size_t warm_up = std::max(request.steps / 10, least_steps);
    const Churn work{sizes_of(request), map_array<Step>(warm_up), map_array<Step>(request.steps),
                     Slots(map_array<void*>(slots))};
    make_steps(work.sizes, work.warm_up, seed);
    make_steps(work.sizes, work.measured, seed + 1);
    return work;
}

void start(const Allocator& allocator, std::size_t size = region_size) {
    if (allocator.start == nullptr) return;
    const auto memory = map_array<std::byte>(size);
    allocator.start({memory.data(), memory.size()});
}

void print_figure(const char* name, double value) {
    std::printf("figure %s %.3f\n", name, value);
}

/// Nanoseconds per step.
double timed(clockid_t clock, const Allocator& allocator, const Churn& work) {
    std::timespec begin{};
    std::timespec end{};
    ::clock_gettime(clock, &begin);
    churn_and_write(allocator, work.sizes, work.measured, work.blocks);
    ::clock_gettime(clock, &end);
    const double nanoseconds = static_cast<double>(end.tv_sec - begin.tv_sec) * 1e9 +
                               static_cast<double>(end.tv_nsec - begin.tv_nsec);
    return nanoseconds / static_cast<double>(work.measured.size());
}

double best_time(clockid_t clock, const Allocator& allocator, const Churn& work) {
    double best = 1e9;
    churn_and_write(allocator, work.sizes, work.warm_up, work.blocks);
    for (unsigned round = 0; round < rounds; ++round)
        best = std::min(best, timed(clock, allocator, work));
    empty(allocator, work.blocks);
    return best;
}

/// Where threads wait for each other before each short race.
class StartingLine {
  public:
    explicit StartingLine(unsigned threads) : threads_(threads) {}

    void wait() {
        const unsigned race = race_.load();
        if (waiting_.fetch_add(1) + 1 == threads_) {
            waiting_ = 0;
            race_.fetch_add(1);
        }
        while (race_.load() == race) {
        }
    }

  private:
    unsigned threads_;
    std::atomic<unsigned> waiting_{0};
    std::atomic<unsigned> race_{0};
};

/// Of many short races of `count` threads, each with its own blocks: the time of the best race,
/// which is as slow as its slower thread. Short, so that there is one in which nobody disturbs.
double time_of_threads(const Request& request, unsigned count) {
    StartingLine line(count);
    std::array<std::array<double, races>, 2> times{};
    const auto run = [&](unsigned index) {
        const Churn work = prepare(request, 1 + 10 * index);
        churn_and_write(request.allocator, work.sizes, work.warm_up, work.blocks);
        const std::size_t length = work.measured.size() / 10;
        for (unsigned race = 0; race < races; ++race) {
            Churn part = work;
            part.measured = work.measured.subspan(race % 10 * length, length);
            line.wait();
            times.at(index).at(race) = timed(CLOCK_MONOTONIC, request.allocator, part);
        }
        empty(request.allocator, work.blocks);
    };
    std::array<std::thread, 2> threads;
    for (unsigned i = 0; i < count; ++i)
        threads.at(i) = std::thread(run, i);
    for (unsigned i = 0; i < count; ++i)
        threads.at(i).join();
    double best = 1e9;
    for (unsigned race = 0; race < races; ++race)
        best = std::min(best, std::max(times[0].at(race), times[1].at(race)));
    return best;
}

/// Most bytes of memory that the process has had so far (proc(5), VmHWM).
std::size_t peak_resident() {
    std::array<char, 8192> text{};
    const int file = ::open("/proc/self/status", O_RDONLY);
    if (file < 0 || ::read(file, text.data(), text.size() - 1) <= 0) fail("no /proc");
    ::close(file);
    const char* const line = std::strstr(text.data(), "VmHWM:");
    if (line == nullptr) fail("no VmHWM in /proc/self/status");
    return std::strtoull(line + std::strlen("VmHWM:"), nullptr, 10) * 1024;
}

struct Calls {
    const Allocator& allocator;
    bool write;

    void* allocate(Sizes sizes, std::uint32_t size) const {
        void* const block = sizes == Sizes::pages ? allocator.allocate_aligned(page, size)
                                                  : allocator.allocate(size);
        if (write && block != nullptr) std::memset(block, 1, size);
        return block;
    }
    void free(const Block& block) const { allocator.free(block.at); }
};

void measure_time(const Request& request) {
    start(request.allocator);
    print_figure("nanoseconds",
                 best_time(CLOCK_THREAD_CPUTIME_ID, request.allocator, prepare(request, 1)));
}

void measure_threads(const Request& request) {
    start(request.allocator);
    print_figure("one-thread", time_of_threads(request, 1));
    print_figure("two-threads", time_of_threads(request, 2));
}

/// Bytes that live when the first request fails.
std::size_t filled(const Request& request, std::size_t size) {
    Calls calls{request.allocator, false};
    if (const auto spread = spread_from(request.workload))
        return fill_by_lifetimes(calls, *spread, size, map_array<Mortal>(most_blocks));
    Fill fill(calls, size, map_array<Block>(most_blocks));
    if (!fill_by_name(fill, request.workload)) fail("no such trace");
    return fill.live();
}

void measure_fill(const Request& request) {
    const std::size_t size = request.allocator.searches ? searched_region_size : region_size;
    start(request.allocator, size);
    print_figure("region", static_cast<double>(size));
    print_figure("live", static_cast<double>(filled(request, size)));
}

void measure_peak(const Request& request) {
    Calls calls{request.allocator, true};
    const auto storage = map_array<Block>(most_blocks);
    std::memset(storage.data(), 1, storage.size_bytes() / 4);  // resident before it is measured
    Fill fill(calls, peak_limit, storage);
    const std::size_t before = peak_resident();
    if (!fill_by_name(fill, request.workload)) fail("no such trace");
    print_figure("live", static_cast<double>(fill.live()));
    print_figure("grown", static_cast<double>(peak_resident() - before));
}

void print_file(const Request& request) {
    Dl_info info{};
    if (::dladdr(reinterpret_cast<void*>(request.allocator.allocate), &info) == 0) fail("no file");
    std::printf("file %s\n", info.dli_fname);
}

void print_names(const Request& /*request*/) {
    for (const Allocator& each : allocators())
        std::printf("%s\n", each.name.data());
}

}  // namespace

extern "C" [[gnu::noinline]] void measured_churn(const Allocator& allocator, const Churn& work) {
    churn(allocator, work.sizes, work.measured, work.blocks);
}

namespace {

void count_instructions(const Request& request) {
    if (!has_calls(request.allocator, sizes_of(request))) return print_figure("steps", 0);
    start(request.allocator);
    const Churn work = prepare(request, 1);
    churn(request.allocator, work.sizes, work.warm_up, work.blocks);
    measured_churn(request.allocator, work);
    print_figure("steps", static_cast<double>(request.steps));
}

struct Mode {
    std::string_view name;
    void (*function)(const Request&);
};
constexpr std::array modes{
    Mode{"churn", count_instructions}, Mode{"time", measure_time}, Mode{"threads", measure_threads},
    Mode{"fill", measure_fill},        Mode{"peak", measure_peak}, Mode{"file", print_file},
    Mode{"list", print_names},
};

int run(std::span<char*> arguments) {
    if (arguments.size() < 3) fail("usage: MODE ALLOCATOR [WORKLOAD [STEPS]]");
    const auto* const mode = std::ranges::find(modes, std::string_view(arguments[1]), &Mode::name);
    const Allocator* const allocator = find_allocator(arguments[2]);
    if (mode == modes.end()) fail("no such mode");
    if (allocator == nullptr) fail("no such allocator");
    const std::size_t steps = arguments.size() > 4 ? std::strtoull(arguments[4], nullptr, 10) : 0;
    mode->function({*allocator, arguments.size() > 3 ? arguments[3] : "",
                    allocator->searches ? steps / 10 : steps});
    return 0;
}

}  // namespace
}  // namespace cairn::bench

int main(int count, char** arguments) {
    return cairn::bench::run({arguments, static_cast<std::size_t>(count)});
}
