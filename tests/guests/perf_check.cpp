// SPDX-License-Identifier: MIT
// A program for Linux, without a C library: counts events by perf_event_open while it causes them,
// and prints a line for each: what Linux's SBI PMU driver gets out of the counters.
#include <cstdint>
#include <string_view>

#include <cairn/print.hpp>
#include "tests/guests/linux_program.hpp"

using namespace linux_program;

namespace {

// Linux: include/uapi/linux/perf_event.h.
enum class EventType : std::uint32_t { hardware = 0, raw = 4 };
constexpr std::uint64_t cycles = 0;
constexpr std::uint64_t instructions = 1;
/// A raw event of the SBI's firmware (drivers/perf/riscv_pmu_sbi.c).
constexpr std::uint64_t firmware_event = std::uint64_t{1} << 63;
constexpr std::uint64_t disabled = 1;
constexpr long enable = 0x2400;
constexpr long disable = 0x2401;

struct EventAttributes {
    EventType type;
    std::uint32_t size = sizeof(EventAttributes);
    std::uint64_t config;
    std::uint64_t unused[3]{};
    std::uint64_t flags = disabled;
    std::uint64_t unused_too[2]{};
};
static_assert(sizeof(EventAttributes) == 64);  // PERF_ATTR_SIZE_VER0

constexpr unsigned repetitions = 100;

void spin() {
    for (unsigned n = 0; n < 1'000'000; ++n)
        asm volatile("");
}
void sleep_often() {
    constexpr TimeSpec millisecond{0, 1'000'000};
    for (unsigned n = 0; n < repetitions; ++n)
        call(Syscall::nanosleep, &millisecond, 0);
}
void use_cpu(unsigned cpu) {
    const std::uint64_t mask = std::uint64_t{1} << cpu;
    call(Syscall::sched_setaffinity, 0, sizeof mask, &mask);
}
void change_cpus() {
    for (unsigned n = 0; n < repetitions; ++n)
        use_cpu(n % 2);
}
/// On a CPU after another, which has to fence, too.
void flush_often() {
    for (unsigned n = 0; n < repetitions; ++n)
        call(Syscall::riscv_flush_icache, 0, 0, 0);
}

/// What is counted: this process on every CPU, or all that CPU 0 does.
struct Scope {
    long process, cpu;
};
constexpr Scope this_process{0, -1};
constexpr Scope first_cpu{-1, 0};

void count(std::string_view name, EventType type, std::uint64_t config, void (*cause)(),
           Scope scope = this_process) {
    const EventAttributes attributes{.type = type, .config = config};
    const long event = call(Syscall::perf_event_open, &attributes, scope.process, scope.cpu, -1, 0);
    if (event < 0) return cairn::println("{}: error {}", name, -event);
    call(Syscall::ioctl, event, enable, 0);
    cause();
    call(Syscall::ioctl, event, disable, 0);
    std::uint64_t value = 0;
    call(Syscall::read, event, &value, sizeof value);
    cairn::println("{}: {}", name, value);
}

}  // namespace

extern "C" [[noreturn]] void _start() {
    use_cpu(0);
    count("cycles", EventType::hardware, cycles, spin);
    count("instructions", EventType::hardware, instructions, spin);
    count("set timer", EventType::raw, firmware_event | 5, sleep_often);
    // Another CPU is woken by the kernel thread that takes the process there.
    count("IPIs sent", EventType::raw, firmware_event | 6, change_cpus, first_cpu);
    count("fences sent", EventType::raw, firmware_event | 8, flush_often);
    for (;;)
        call(Syscall::exit, 0);
}
