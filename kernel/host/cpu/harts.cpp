// SPDX-License-Identifier: MIT
// Compiled: small, for the target alone. It runs once per boot or per start of a guest.
#include "kernel/host/cpu/harts.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <new>
#include <utility>

#include <cairn/bits.hpp>
#include <cairn/global_heap.hpp>
#include <cairn/panic.hpp>
#include <cairn/print.hpp>
#include <cairn/static_vector.hpp>
#include "kernel/arch/firmware/sbi_call.hpp"
#include "kernel/arch/guest/hart_operations.hpp"
#include "kernel/arch/isa/csr.hpp"
#include "kernel/arch/isa/csr_access.hpp"
#include "kernel/arch/start/hart_start.h"
#include "kernel/host/boot/image_layout.hpp"
#include "kernel/host/cpu/hart_trials.hpp"
#include "kernel/host/cpu/host_timer.hpp"
#include "kernel/host/cpu/this_hart.hpp"
#include "kernel/host/cpu/trap_stack.hpp"
#include "kernel/host/memory/memory_map.hpp"
#include "kernel/host/memory/protection.hpp"

namespace cairn {

extern "C" void hart_entry();  // kernel/arch/start/hart_entry.S

/// What hart_entry finds in a1.
struct HartStart {
    std::uint64_t sp = 0;
    std::uint64_t tp = 0;
    std::uint64_t id = 0;
    HartStart* next = nullptr;  ///< of all that were ever asked for
    std::uint64_t satp = 0;
};
static_assert(offsetof(HartStart, sp) == CAIRN_HART_START_SP);
static_assert(offsetof(HartStart, tp) == CAIRN_HART_START_TP);
static_assert(offsetof(HartStart, id) == CAIRN_HART_START_ID);
static_assert(offsetof(HartStart, next) == CAIRN_HART_START_NEXT);
static_assert(offsetof(HartStart, satp) == CAIRN_HART_START_SATP);
static_assert(Sstatus::SIE::mask == CAIRN_SSTATUS_SIE);
static_assert((Sstatus::MXR::mask | Sstatus::SUM::mask | Sstatus::XS::mask | Sstatus::FS::mask |
               Sstatus::VS::mask | Sstatus::SPP::mask | Sstatus::SPIE::mask | Sstatus::SIE::mask) ==
              CAIRN_SSTATUS_LEFT_ON);

namespace {

constexpr std::size_t stack_size = 64 << 10;
constexpr std::size_t thread_local_room = 4096;
constexpr std::uint64_t patience_seconds = 2;  // a loaded emulator; real harts take microseconds

/// Whether a hart has come, as what, or the boot hart has stopped waiting: whoever is first
/// decides.
enum class Arrival : std::uint32_t {
    awaited,
    here,
    unfit,  ///< it does not take the page table that the boot hart has
    given_up,
};

/// All that one hart has of its own, in one block of the break, which begins with a page:
///
///     │ guard │ trap stack │ guard │ stack │ Hart │ thread_local variables │
///                                          ▲ sp   ▲ tp
struct Hart : HartStart {
    IpiTarget ipi;
    HostRange stack;
    HostRange trap_stack;
    std::atomic<Arrival> arrival = Arrival::awaited;
    std::atomic<void (*)(void*)> job = nullptr;
    void* argument = nullptr;
};

}  // namespace

/// For a hart that comes in by _start (kernel/arch/start/boot.S), which may be before .bss is
/// clear.
extern "C" [[gnu::section(".data")]] constinit HartStart* first_hart_start = nullptr;

namespace {

constinit std::array<std::byte, thread_local_room> thread_local_image{};
constinit IpiTarget boot_hart;
constinit static_vector<Hart*, max_harts> others;

std::span<const std::byte> thread_locals() {
    const HostRange range = range_between(__tls_start, __tls_end);
    require(range.size <= thread_local_room,
            "the kernel keeps room for its thread_local variables");
    return {reinterpret_cast<const std::byte*>(range.base.value), range.size};
}

IpiTarget ipi_target_of(const MachineHart& hart) {
    return {.hart = hart.id, .set_ssip = hart.set_ssip.value_or(HostPhys{0})};
}

/// On the hart that `target` is: where its SSWI does not interrupt it, the firmware does.
void drop_useless_sswi(IpiTarget& target) {
    if (target.set_ssip.value != 0 && !is_interrupted_by(target.set_ssip)) target.set_ssip = {};
}

void say_which_sswi_is_useless(const MachineHart& machine_hart, const IpiTarget& target) {
    if (!machine_hart.set_ssip || target.set_ssip.value != 0) return;
    println(
        "cairn: hart {}: a store to {:#x}, its register of the SSWI, does not interrupt it: the "
        "firmware is asked",
        machine_hart.id, machine_hart.set_ssip->value);
}

HostRange pages_at(const std::byte* base, std::uint64_t size) {
    return {{reinterpret_cast<std::uintptr_t>(base)}, size};
}

Hart* make_hart(const MachineHart& machine_hart) {
    const std::size_t head = align_up(sizeof(Hart), std::size_t{16}).value_or(0);
    const std::size_t own = head + thread_locals().size();
    const auto block = global_break().allocate(
        frame_size + trap_stack_size + frame_size + stack_size + own, frame_size);
    if (!block) return nullptr;
    std::byte* const trap_stack = *block + frame_size;
    std::byte* const guard = trap_stack + trap_stack_size;
    std::byte* const stack = guard + frame_size;
    if (!make_guard_page({reinterpret_cast<std::uintptr_t>(*block)}) ||
        !make_guard_page({reinterpret_cast<std::uintptr_t>(guard)})) {
        return nullptr;
    }
    auto* const hart = new (stack + stack_size) Hart;
    std::byte* const variables = stack + stack_size + head;
    std::ranges::copy(std::span(thread_local_image).first(thread_locals().size()), variables);
    hart->id = machine_hart.id;
    hart->ipi = ipi_target_of(machine_hart);
    hart->trap_stack = pages_at(trap_stack, trap_stack_size);
    hart->stack = pages_at(stack, stack_size);
    hart->tp = reinterpret_cast<std::uintptr_t>(variables);
    hart->sp = hart->stack.end().value;
    hart->satp = own_satp();
    return hart;
}

/// Sends the hart on its way; nullptr, with a line in the log, where that cannot be.
Hart* request_start(const MachineHart& machine_hart) {
    const std::uint64_t id = machine_hart.id;
    Hart* const hart = make_hart(machine_hart);
    if (hart == nullptr) {
        println("cairn: hart {} is left out: the heap region has no room for its stacks", id);
        return nullptr;
    }
    hart->next = std::exchange(first_hart_start, hart);
    std::atomic_thread_fence(std::memory_order_seq_cst);
    const SbiResult started = sbi_call(SbiExtension::hsm, SbiHsm::hart_start, id,
                                       reinterpret_cast<std::uint64_t>(hart_entry),
                                       reinterpret_cast<std::uint64_t>(hart));
    if (started.ok()) return hart;
    println("cairn: hart {} is left out: the firmware does not start it: {}", id,
            to_string(started.code()));
    return nullptr;
}

/// On the boot hart, whom others interrupt when they have done something: sleeps until `is_done`.
template <class Predicate>
void sleep_until(Predicate is_done) {
    for (;;) {
        csr_clear<Csr::sip>(Sip::SSIP::mask);
        fence_csrs_and_memory();
        if (is_done()) return;
        wait_for_interrupt();
    }
}

/// What has become of `hart` by `deadline`, for which the timer is armed; it will never be anything
/// else.
Arrival arrival_by(Hart& hart, std::uint64_t deadline) {
    sleep_until([&] {
        return hart.arrival.load(std::memory_order_acquire) != Arrival::awaited ||
               csr_read<Csr::time>() >= deadline;
    });
    Arrival arrival = Arrival::awaited;
    if (hart.arrival.compare_exchange_strong(arrival, Arrival::given_up)) {
        return Arrival::given_up;
    }
    return arrival;
}

bool is_usable(const MachineHart& hart) {
    return hart.enabled && hart.mmu_type != "riscv,none";
}

void start_others(const Machine& machine) {
    static constinit static_vector<Hart*, max_harts> requested;
    for (const MachineHart& each : machine.harts) {
        if (each.id == boot_hart.hart || !is_usable(each)) continue;
        if (Hart* const hart = request_start(each)) requested.push_back(hart);
    }
    const std::uint64_t deadline = csr_read<Csr::time>() + patience_seconds * machine.timebase_hz;
    arm_host_timer(TimerUse::scheduler, deadline);
    for (Hart* const hart : requested) {
        const Arrival arrival = arrival_by(*hart, deadline);
        if (arrival == Arrival::here) {
            others.push_back(hart);
            say_which_sswi_is_useless(*machine.hart(hart->id), hart->ipi);
        } else if (arrival == Arrival::unfit) {
            println("cairn: hart {} is left out: it does not take the boot hart's page table",
                    hart->id);
        } else {
            println("cairn: hart {} is left out: it did not start within {} s", hart->id,
                    patience_seconds);
        }
    }
    disarm_host_timer(TimerUse::scheduler);
}

[[noreturn]] void stop_this_hart() {
    for (;;) {
        sbi_call(SbiExtension::hsm, SbiHsm::hart_stop);
    }
}

/// An interrupt that comes between the look at `job` and the wfi ends the wfi.
[[noreturn]] void serve(Hart& self) {
    for (;;) {
        csr_clear<Csr::sip>(Sip::SSIP::mask);
        fence_csrs_and_memory();
        if (auto* const job = self.job.load(std::memory_order_acquire)) {
            job(self.argument);
            self.job.store(nullptr, std::memory_order_seq_cst);
            send_ipi(boot_hart);
        } else {
            wait_for_interrupt();
        }
    }
}

}  // namespace

extern "C" [[noreturn]] void hart_main(HartStart* start) {
    auto& self = static_cast<Hart&>(*start);
    this_hart = {.id = self.id, .stack = self.stack, .trap_stack = self.trap_stack};
    trap_stack_end = reinterpret_cast<std::byte*>(self.trap_stack.end().value);
    csr_write<Csr::sie>(Sip::SSIP::mask);
    const bool fit = csr_read<Csr::satp>() == self.satp;
    if (fit) drop_useless_sswi(self.ipi);
    Arrival expected = Arrival::awaited;
    const bool awaited =
        self.arrival.compare_exchange_strong(expected, fit ? Arrival::here : Arrival::unfit);
    if (awaited) send_ipi(boot_hart);
    if (!fit || !awaited) stop_this_hart();
    serve(self);
}

void keep_thread_local_image() {
    std::ranges::copy(thread_locals(), thread_local_image.begin());
    this_hart.stack = boot_stack();
    this_hart.trap_stack = boot_trap_stack();
}

void start_harts(const ThisMachine& self) {
    const MachineHart* const here = self.machine.hart(self.boot_hart);
    boot_hart = here != nullptr ? ipi_target_of(*here) : IpiTarget{.hart = self.boot_hart};
    this_hart.id = self.boot_hart;
    drop_useless_sswi(boot_hart);
    if (here != nullptr) say_which_sswi_is_useless(*here, boot_hart);
    csr_set<Csr::sie>(Sip::SSIP::mask);
    const Machine& machine = self.machine;
    if (machine.harts.size() == 1) return;
    if (!sbi_has(SbiExtension::hsm) || !sbi_has(SbiExtension::ipi) ||
        !sbi_has(SbiExtension::time)) {
        println(
            "cairn: hart {} runs alone: the firmware has no SBI HSM, IPI or TIME to start others",
            self.boot_hart);
        return;
    }
    start_others(machine);
    println("cairn: {} of {} harts run; hart {} booted", hart_count(), machine.harts.size(),
            self.boot_hart);
}

std::size_t hart_count() {
    return 1 + others.size();
}

const IpiTarget& ipi_target(std::size_t index) {
    return index == 0 ? boot_hart : others[index - 1]->ipi;
}

void run_on_hart(std::size_t index, void (*job)(void* argument), void* argument) {
    Hart& hart = *others[index - 1];
    require(hart.job.load(std::memory_order_relaxed) == nullptr, "a hart has one job at a time");
    hart.argument = argument;
    hart.job.store(job, std::memory_order_seq_cst);
    send_ipi(hart.ipi);
}

void wait_for_hart(std::size_t index) {
    sleep_until([&] { return others[index - 1]->job.load(std::memory_order_acquire) == nullptr; });
}

}  // namespace cairn
