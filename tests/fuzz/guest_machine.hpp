// SPDX-License-Identifier: MIT
// A VM for fuzzers, with some vCPUs that take turns on one thread: the hart of each is what the
// fakes (tests/fakes) were when it had its last turn.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "kernel/arch/firmware/sbi_call.hpp"
#include "kernel/arch/guest/hart_operations.hpp"
#include "kernel/arch/isa/csr_access.hpp"
#include "kernel/exit/handle_exit.hpp"
#include "kernel/host/cpu/this_hart.hpp"
#include "kernel/vm/vm.hpp"
#include "tests/unit/device_doubles.hpp"
#include "tests/unit/vm_heap.hpp"

namespace cairn {

class GuestMachine {
  public:
    static constexpr std::uint64_t ram_base = 0x8000'0000;
    static constexpr std::uint64_t ram_size = 0x4000;
    static constexpr std::uint64_t entry = ram_base + 0x200;
    static constexpr std::uint64_t handler = ram_base + 0x100;  ///< the guest's vstvec

    GuestMachine(const GuestFeatures& guest_features, std::uint32_t cpus)
        : features(guest_features),
          csrs(cpus),
          loaded(cpus),
          vm("fuzzed", GuestMemory(GuestPhys{ram_base}, ram), {console, keyboard}, features, {},
             test::room_for(cpus)) {
        fill_memory();
        fake_csrs.fill(0);
        fake_hart = {};
        fake_sbi_calls.clear();
        fake_sbi_effect = [](const FakeSbiCall&) {};
        fake_sbi_answer = [](const FakeSbiCall&) { return sbi_success(); };
        this_hart = {};
        loaded_vcpu = nullptr;
        for (std::uint32_t hart = 0; hart < cpus; ++hart) {
            host_harts[hart].hart = hart;
            vm.vcpu(hart).answer_on(host_harts[hart]);
        }
        vm.harts().power_on({.address = entry});
        begin_started();
    }

    /// The hart of vCPU `hart` has the next turn.
    void turn_to(std::uint32_t hart) {
        if (hart == turn()) return;
        csrs[this_hart.id] = fake_csrs;
        loaded[this_hart.id] = loaded_vcpu;
        this_hart.id = hart;
        fake_csrs = csrs[hart];
        loaded_vcpu = loaded[hart];
    }
    [[nodiscard]] std::uint32_t turn() const { return static_cast<std::uint32_t>(this_hart.id); }

    /// Each vCPU that somebody has started begins, on its hart.
    void begin_started() {
        const auto is_about_to = [this](std::uint32_t hart) {
            return vm.harts().state(hart) == SbiHartState::start_pending;
        };
        on_each(is_about_to, [this](std::uint32_t hart) {
            const auto start = vm.harts().begin(hart);
            vm.vcpu(hart).reset(start->address, start->opaque, features);
            csr_write<Csr::vstvec>(handler);
            csr_write<Csr::vsie>(Sip::STIP::mask);  // what ends a suspension
        });
    }
    /// Each vCPU but the one at hand does what others have asked it for.
    void answer_elsewhere() {
        const std::uint32_t here = turn();
        const auto is_asked = [this, here](std::uint32_t hart) {
            return hart != here && vm.vcpu(hart).is_asked();
        };
        on_each(is_asked, [this](std::uint32_t hart) {
            Vcpu& vcpu = vm.vcpu(hart);
            if (vcpu.is_here()) return vcpu.answer();
            vcpu.answer_away();
        });
    }

    GuestFeatures features;
    std::vector<std::byte> ram = std::vector<std::byte>(ram_size);
    test::Transcript console;
    test::Keyboard keyboard;
    std::vector<std::array<std::uint64_t, 4096>> csrs;
    std::vector<Vcpu*> loaded;
    std::array<IpiTarget, Vm::max_cpus> host_harts{};
    Vm vm;

  private:
    /// Whatever is written to it, 0 as well, is seen; and the SBI finds descriptions of events.
    void fill_memory() {
        constexpr std::uint64_t entry_size = 16;
        constexpr std::uint32_t firmware_events = 0xf'0000;
        std::ranges::fill(ram, std::byte{0xa5});
        for (std::uint64_t at = 0; at < ram.size(); at += entry_size) {
            const auto number = static_cast<std::uint32_t>(at / entry_size);
            const std::uint32_t event =
                number % 2 == 0 ? firmware_events | number % 64 : number % 12;
            const std::uint64_t event_data = number % 3 == 0 ? ~std::uint64_t{0} : 0;
            std::memcpy(&ram[at], &event, sizeof(event));
            std::memcpy(&ram[at + 8], &event_data, sizeof(event_data));
        }
    }

    template <class Condition, class Action>
    void on_each(Condition condition, Action action) {
        const std::uint32_t here = turn();
        for (std::uint32_t hart = 0; hart < vm.cpus(); ++hart) {
            if (!condition(hart)) continue;
            turn_to(hart);
            action(hart);
        }
        turn_to(here);
    }
};

}  // namespace cairn
