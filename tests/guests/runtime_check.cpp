// SPDX-License-Identifier: MIT
// Checks on the target what the host's tests cannot: the freestanding runtime, and devices behind
// every kind of load and store. Does the check that its arguments name; each prints what it found,
// and a failed one makes the guest end as failed. The memory checks are in memory_check.cpp, the
// devices' in mmio_check.cpp.
#include "tests/guests/runtime_check.hpp"

#include <algorithm>
#include <array>
#include <memory>

#include <cairn/global_heap.hpp>
#include <cairn/platform.hpp>
#include <cairn/vector.hpp>
#include "tests/guests/guest_runtime.hpp"

namespace cairn::guest {
namespace {

unsigned failures = 0;

// --- static constructors: each must run once, in the order of the file --------------------------

constinit std::array<char, 8> construction_order{};
constinit std::size_t constructed = 0;

struct Noted {
    explicit Noted(char name) { construction_order[constructed++ % 8] = name; }
};
const Noted first('a');
const Noted second('b');
const Noted third('c');

void check_constructors() {
    println("constructed: {}", std::string_view(construction_order.data(), constructed));
    check(constructed == 3, "three constructors ran, once each");
}

// --- what must end in a panic -------------------------------------------------------------------

[[gnu::noinline]] void overrun(std::size_t count) {
    volatile char letters[16];
    for (volatile std::size_t i = 0; i < count; i = i + 1)
        letters[i] = 'x';
}

void smash_stack() {
    overrun(40);
    println("not reached");
}

class Base {
  public:
    Base() { call(); }
    virtual ~Base() = default;
    [[gnu::noinline]] void call() { pure(); }  // from the constructor, no override exists yet
    virtual void pure() = 0;
};
class Derived final : public Base {
    void pure() override { println("not reached"); }
};

void call_pure_virtual() {
    const Derived derived;
    println("not reached, {}", static_cast<const void*>(&derived));
}

// --- heap, vector and format --------------------------------------------------------------------

constexpr std::size_t heap_size = 64 << 10;
alignas(4096) std::array<std::byte, heap_size> heap_bytes;

void start_heap() {
    const auto started =
        global_break().init({.base = heap_bytes.data(), .size = heap_size}).and_then([] {
            return global_heap().init("guest");
        });
    check(started.has_value(), "the heap takes its region");
}

std::size_t live() {
    return global_heap().core().statistics().live;
}

void check_heap() {
    start_heap();
    auto block = std::make_unique<std::array<std::uint64_t, 100>>();
    check(global_heap().owns(block.get()), "operator new takes from the heap");
    check(live() >= 800, "the heap counts what is live");
    block.reset();
    check(live() == 0, "deleting gives back");
    struct alignas(256) Aligned {
        std::byte bytes[256];
    };
    const auto aligned = std::make_unique<Aligned>();
    check(reinterpret_cast<std::uintptr_t>(aligned.get()) % 256 == 0, "aligned new aligns");
    check(::operator new(heap_size, std::nothrow) == nullptr, "nothrow new says no");
    check(global_heap().core().check(), "the heap is whole");
    println("window {}", global_heap().core().statistics().window);
}

void exhaust_heap() {
    start_heap();
    void* const too_much = ::operator new(heap_size + 1);
    println("not reached, {}", too_much);
}

void show_vectors() {
    vector<int> v;
    for (int i = 0; i < 10; ++i)
        v.push_back(i * i);
    v.erase(v.begin() + 2, v.begin() + 5);
    v.insert(v.begin() + 1, {-7, -8});
    println("{} size {}", v, v.size());
    vector<vector<char>> nested;
    nested.push_back({'x', 'y'});
    nested.push_back({});
    println("{}", nested);
    println("{}", v == vector<int>{0, -7, -8, 1, 25, 36, 49, 64, 81});
}

void show_formats() {
    println("{:d}|{:#x}|{:#b}|{:o}|{:08d}|{:+d}", 42, 255, 5, 64, -42, 7);
    println("{:>6}|{:<6}|{:^6}|{:*^7}|{:.2}", "abc", "abc", "abc", "abc", "abc");
    println("{0} {1} {0}|{{}}|{2}|{3:c}", 1, 2, true, 'z');
    println("{}|{}|{:#018x}", ~std::uint64_t{0}, std::int64_t{1} << 63, 0x8020'0000u);
}

void check_vector_and_format() {
    start_heap();
    show_vectors();
    show_formats();
}

struct Check {
    std::string_view name;
    void (*run)();
};
constexpr std::array checks{
    Check{"constructors", check_constructors},
    Check{"smash-stack", smash_stack},
    Check{"pure-virtual", call_pure_virtual},
    Check{"memory", check_memory},
    Check{"memory-costs", check_memory_costs},
    Check{"heap", check_heap},
    Check{"out-of-heap", exhaust_heap},
    Check{"vector-and-format", check_vector_and_format},
    Check{"containers",
          [] {
              start_heap();
              check_containers();
          }},
    Check{"mmio", check_mmio},
    Check{"mmio-refused", check_refused_mmio},
    Check{"virtio-slots", check_virtio_slots},
    Check{"entry", check_entry},
    Check{"fp", check_fp},
    Check{"vector", check_vector},
    Check{"suspend", [] { check_suspend(false); }},
    Check{"suspend-vector", [] { check_suspend(true); }},
    Check{"misaligned", check_misaligned},
    Check{"counters", check_counters},
    Check{"debug-console", check_debug_console},
};

}  // namespace

}  // namespace cairn::guest

/// The same every time: nobody attacks this guest's maps.
void cairn::platform_random(std::span<std::byte> out) {
    std::ranges::fill(out, std::byte{42});
}

namespace cairn::guest {

void check(bool holds, std::string_view what) {
    if (holds) return;
    ++failures;
    println("FAILED: {}", what);
}

void run(std::string_view arguments) {
    for (const Check& each : checks) {
        if (each.name != arguments) continue;
        println("check {}", each.name);
        each.run();
        println("end of {}: {} failed", each.name, failures);
        power_off(failures != 0);
    }
    println("no check is called '{}'", arguments);
    power_off(true);
}

}  // namespace cairn::guest
