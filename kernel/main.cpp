// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot or per start of a guest.
// From the first C++ instruction to the first guest: everything that is initialised, in order.
#include <cairn/byte_size.hpp>
#include <cairn/global_heap.hpp>
#include <cairn/platform.hpp>
#include <cairn/print.hpp>
#include <cairn/region.hpp>
#include <cairn/runtime.hpp>
#include <cairn/vector.hpp>
#include "kernel/arch/isa/csr_access.hpp"
#include "kernel/host/boot/door.hpp"
#include "kernel/host/boot/entropy.hpp"
#include "kernel/host/boot/image_layout.hpp"
#include "kernel/host/boot/this_machine.hpp"
#include "kernel/host/cpu/harts.hpp"
#include "kernel/host/drivers/console.hpp"
#include "kernel/host/memory/memory_map.hpp"
#include "kernel/host/memory/protection.hpp"
#include "kernel/host/reports/deliberate_crash.hpp"
#include "kernel/host/reports/fatal.hpp"
#include "kernel/host/virtio/host_virtio.hpp"
#include "kernel/manager/life_cycle.hpp"

namespace cairn {
namespace {

/// RAM is not guaranteed to be zero, and nobody else has done it.
void clear_bss() {
    for (auto* word = reinterpret_cast<volatile std::uint64_t*>(__bss_start);
         word != reinterpret_cast<volatile std::uint64_t*>(__bss_end); ++word) {
        *word = 0;
    }
}

/// The random numbers of this boot, the canary of its stack first; main's own frame has none that
/// could be caught by the change.
[[clang::no_stack_protector]] void protect_stack(const ThisMachine& self) {
    seed_entropy(self.machine.rng_seed, csr_read<Csr::time>());
    std::uint64_t canary = 0;
    platform_random(std::as_writable_bytes(std::span(&canary, 1)));
    seed_stack_protector(canary);
}

/// From region to break to heap.
void initialize_heap() {
    const auto region = platform_init_heap();
    if (!region && boot_options().heap_size) {
        stop_machine("boot option heap={}: not between {} and the {} bytes that are reserved",
                     *boot_options().heap_size, frame_size, door().heap.size);
    }
    if (!region) stop_machine("no heap: {}", to_string(region.error()));
    const auto started =
        global_break().init(*region).and_then([] { return global_heap().init("kernel"); });
    if (!started) stop_machine("no heap: {}", to_string(started.error()));
}

/// The first thing that lives on the heap.
void show_vector() {
    vector<char> v;
    for (const char letter : {'a', 'b', 'c'}) {
        if (!v.try_push_back(letter)) stop_machine("the heap is too small for three letters");
    }
    println("v = {}", v);
}

/// Before and after the guests: what they needed, and what they left behind.
void show_heap() {
    const HeapStatistics figures = global_heap().core().statistics();
    println("heap: {} of {} taken: {}", ByteSize{figures.grown}, ByteSize{figures.window}, figures);
}

/// A walk through all of it, once nobody waits.
void check_heap() {
    if (!global_heap().core().check()) println("heap: it is damaged");
}

}  // namespace

extern "C" [[noreturn]] void kernel_main(std::uint64_t boot_hart, const std::byte* device_tree) {
    clear_bss();
    keep_thread_local_image();
    run_static_constructors();
    start_firmware_console();
    println("Booting hypervisor...");
    const ThisMachine& self = read_this_machine(boot_hart, device_tree);
    check_own_memory(self);
    protect_stack(self);
    initialize_heap();
    protect_memory(self);
    show_vector();
    start_devices(self);
    start_clock(self);
    start_virtio(self.machine);
    start_harts(self);
    if (self.options.crash) crash_deliberately(*self.options.crash);
    show_heap();
    share_console_with_guests();
    const auto outcome = run_guests(self);
    show_heap();
    check_heap();
    power_off(outcome);
}

}  // namespace cairn
