// SPDX-License-Identifier: MIT
// A VM on the bench: 16 KiB of RAM at the guest's RAM base, a console that is a string, and the
// hart, its CSRs and the firmware of tests/fakes, all as after power-on.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "kernel/arch/firmware/sbi_call.hpp"
#include "kernel/arch/guest/hart_operations.hpp"
#include "kernel/arch/isa/csr_access.hpp"
#include "kernel/exit/sbi/sbi_calls.hpp"
#include "kernel/host/cpu/host_timer.hpp"
#include "kernel/vm/vm.hpp"
#include "tests/unit/catch.hpp"
#include "tests/unit/device_doubles.hpp"
#include "tests/unit/vm_heap.hpp"

namespace cairn::test {

struct FreshFakes {
    FreshFakes() {
        fake_csr_access = [] {};
        fake_csrs.fill(0);
        fake_hart = {};
        fake_sbi_calls.clear();
        fake_sbi_effect = [](const FakeSbiCall&) {};
        fake_sbi_answer = [](const FakeSbiCall&) { return sbi_success(); };
        disarm_host_timer(TimerUse::guest);
        disarm_host_timer(TimerUse::scheduler);
        fake_csrs.fill(0);
        loaded_vcpu = nullptr;
    }
};

class GuestBench {
  public:
    static constexpr std::uint64_t ram_base = 0x8000'0000;
    static constexpr std::uint64_t ram_size = 0x4000;
    static constexpr std::uint64_t ram_end = ram_base + ram_size;
    static constexpr std::uint64_t entry = ram_base + 0x200;
    static constexpr std::uint64_t handler = ram_base + 0x100;  ///< the guest's vstvec

    /// `backing`, where there is one, outlives it.
    explicit GuestBench(const GuestFeatures& features = {}, std::uint32_t cpus = 1,
                        RamBacking* backing = nullptr)
        : vm("bench", memory(backing), {console, keyboard}, features,
             {.vendor = 0x489, .architecture = 0x8000'0000'0000'0007, .implementation = 0x2021},
             room_for(cpus)) {
        for (std::uint32_t hart = 0; hart < cpus; ++hart)
            vm.vcpu(hart).answer_on(host_harts[hart]);
        vm.harts().power_on({.address = entry});
        (void)vm.harts().begin(0);
        vcpu().reset(entry, 0, features);
        csr_write<Csr::vstvec>(handler);
        fake_hart = {};
    }

    /// Lets a hart of the guest run, as if it had been started; the bench stays on hart 0.
    void run(std::uint32_t hart) {
        (void)vm.harts().start(hart, {.address = entry});
        (void)vm.harts().begin(hart);
        const auto csrs = fake_csrs;
        const FakeHart before = fake_hart;
        Vcpu* const here = std::exchange(loaded_vcpu, nullptr);
        vm.vcpu(hart).reset(entry, 0, vm.features());
        loaded_vcpu = here;
        fake_hart = before;
        fake_csrs = csrs;
    }
    /// What the hart of vCPU `hart` does when it is interrupted.
    void answer_on(std::uint32_t hart) {
        Vcpu* const here = std::exchange(loaded_vcpu, &vm.vcpu(hart));
        vm.vcpu(hart).answer();
        loaded_vcpu = here;
    }

    GuestMemory memory(RamBacking* backing) {
        if (backing == nullptr) return {GuestPhys{ram_base}, ram};
        return {{{ram_base}, ram.size()}, *backing};
    }
    Vcpu& vcpu() { return vm.vcpu(); }
    Registers& x() { return vcpu().context.x; }
    std::uint64_t& pc() { return vcpu().context.pc; }
    void type(std::string_view text) {
        keyboard.type(text);
        vm.input_arrived();
        if (vcpu().is_here() && vcpu().is_asked()) vcpu().answer();
    }

    /// Makes the call as a guest does. "All registers except a0 & a1 must be preserved."
    template <class... Arguments>
    SbiResult ecall(std::uint64_t extension, std::uint64_t function, Arguments... arguments) {
        for (std::size_t i = 1; i < 32; ++i)
            x()[i] = 0xabcd'0000 + i;
        std::size_t next = 10;
        ((x()[next++] = static_cast<std::uint64_t>(arguments)), ...);
        x()[16] = function;
        x()[17] = extension;
        const Registers before = x();
        handle_sbi_call(vm, vcpu());
        for (std::size_t i = 0; i < 32; ++i) {
            if (i != 10 && i != 11) REQUIRE(x()[i] == before[i]);
        }
        return {static_cast<long>(x()[10]), x()[11]};
    }

    /// A call after which the guest goes on behind the ecall, as after all but one.
    template <class Function, class... Arguments>
    SbiResult call(SbiExtension extension, Function function, Arguments... arguments) {
        const std::uint64_t before = pc();
        const SbiResult result = ecall(static_cast<std::uint64_t>(extension),
                                       static_cast<std::uint64_t>(function), arguments...);
        REQUIRE(pc() == before + 4);
        return result;
    }

    /// One for each vCPU, of the same number.
    static inline const auto host_harts = [] {
        std::array<IpiTarget, Vm::max_cpus> harts{};
        for (std::uint64_t hart = 0; hart < harts.size(); ++hart)
            harts[hart].hart = hart;
        return harts;
    }();

    FreshFakes fakes;
    std::vector<std::byte> ram = std::vector<std::byte>(ram_size);
    Transcript console;
    Keyboard keyboard;
    Vm vm;
};

inline const SbiResult not_supported = sbi_error(SbiError::not_supported);
inline const SbiResult invalid_param = sbi_error(SbiError::invalid_param);
inline const SbiResult invalid_address = sbi_error(SbiError::invalid_address);

}  // namespace cairn::test
