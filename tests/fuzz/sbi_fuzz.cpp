// SPDX-License-Identifier: MIT
// SBI calls of all kinds from some vCPUs in turn. Nothing may panic, and after each call: the guest
// goes on behind it or where it said; all registers but a0 and a1 are kept; a0 is an error of the
// specification; no byte of memory has changed that the call may not write; each hart is in the
// state that the calls have left it in.
#include <optional>

#include <cairn/panic.hpp>
#include "kernel/arch/firmware/sbi_events.hpp"
#include "kernel/exit/sbi/sbi_calls.hpp"
#include "kernel/sched/runnable.hpp"
#include "tests/fuzz/guest_machine.hpp"
#include "tests/fuzz/input.hpp"

using namespace cairn;

namespace {

constexpr unsigned a0 = 10, a1 = 11, a6 = 16, a7 = 17;
constexpr std::uint64_t number_of(SbiExtension extension) {
    return static_cast<std::uint64_t>(extension);
}
constexpr std::array extensions{
    number_of(SbiExtension::base),   number_of(SbiExtension::time), number_of(SbiExtension::ipi),
    number_of(SbiExtension::rfence), number_of(SbiExtension::hsm),  number_of(SbiExtension::srst),
    number_of(SbiExtension::pmu),    number_of(SbiExtension::pmu),  number_of(SbiExtension::dbcn),
    number_of(SbiExtension::susp),   number_of(SbiExtension::sta),  number_of(SbiExtension::fwft)};

GuestMachine* machine = nullptr;  // for the fakes, which are functions without a context

/// A firmware in order: of several counters it takes the first. Harts that it interrupts answer at
/// once.
SbiResult firmware(const FakeSbiCall& call) {
    if (call.extension != SbiExtension::pmu ||
        call.function != static_cast<std::uint64_t>(SbiPmu::counter_config_matching)) {
        return sbi_success();
    }
    const std::uint64_t mask = call.arguments[1];
    if (mask == 0 || call.arguments[3] % 7 == 6) return sbi_error(SbiError::not_supported);
    return sbi_success(call.arguments[0] + static_cast<unsigned>(std::countr_zero(mask)));
}

/// What happens while a hart sleeps: who is stopped is started again, who is suspended is woken.
void while_asleep() {
    const std::uint32_t hart = machine->turn();
    if (machine->vm.harts().state(hart) == SbiHartState::stopped) {
        (void)machine->vm.harts().start(hart, {.address = GuestMachine::entry});
        return;
    }
    csr_write<Csr::time>(~std::uint64_t{0});
}

GuestFeatures features_of(std::uint64_t bits) {
    GuestFeatures features{.sstc = (bits & 1) != 0, .svadu = (bits & 2) != 0};
    if ((bits & 4) != 0) {
        features.counters.present = 0b11'1101;
        for (std::uint8_t i = 0; i < 32; ++i) {
            features.counters.number[i] = i;
            features.counters.top_bit[i] = 63;
        }
    }
    return features;
}

/// 0, which calls want most; a number; or an address in RAM or around its ends.
std::uint64_t argument(FuzzInput& input) {
    switch (input.take(1) % 8) {
        case 0:
        case 1:
        case 2: return 0;
        case 3: return input.take(1) % 9;
        case 4: return GuestMachine::ram_base + input.take(1) % (GuestMachine::ram_size / 64) * 64;
        case 5: return GuestMachine::ram_base + input.take(2) % GuestMachine::ram_size;
        case 6: return GuestMachine::ram_base + GuestMachine::ram_size + input.take(1) - 128;
        default: return input.number();
    }
}

struct Call {
    std::uint64_t extension, function;
    std::array<std::uint64_t, 6> arguments;

    [[nodiscard]] bool is(SbiExtension which) const { return extension == number_of(which); }
    template <class Function>
    [[nodiscard]] bool is(SbiExtension which, Function what) const {
        return is(which) && function == static_cast<std::uint64_t>(what);
    }
    [[nodiscard]] bool is_legacy() const { return extension <= 8; }
    /// Whether it may end the run of the VM.
    [[nodiscard]] bool may_end() const {
        return is(SbiExtension::srst, SbiSrst::system_reset) || is(SbiExtension::legacy_shutdown) ||
               is(SbiExtension::hsm, SbiHsm::hart_stop);
    }
    /// Where the hart may begin again, instead of behind the call.
    [[nodiscard]] std::optional<std::uint64_t> other_pc() const {
        if (is(SbiExtension::hsm, SbiHsm::hart_stop)) return GuestMachine::entry;
        if (is(SbiExtension::hsm, SbiHsm::hart_suspend) || is(SbiExtension::susp))
            return arguments[1];
        return std::nullopt;
    }
    /// Whether it may write the byte at `address` of the guest's memory.
    [[nodiscard]] bool may_write(std::uint64_t address) const {
        const auto [first, second, third] = std::array{arguments[0], arguments[1], arguments[2]};
        if (is(SbiExtension::sta)) return address - first < 64;
        if (is(SbiExtension::dbcn, SbiDbcn::console_read)) return address - second < first;
        if (is(SbiExtension::pmu, SbiPmu::event_get_info))
            return (address - first) / 16 < third && (address & 15) / 4 == 1;
        return false;
    }
};

Call choose(FuzzInput& input) {
    const std::uint64_t kind = input.take(1);
    Call call{};
    call.extension = kind < 200   ? extensions[kind % extensions.size()]
                     : kind < 216 ? kind % 10
                                  : input.number();
    call.function = input.take(1) % 16 == 15 ? input.number() : input.take(1) % 10;
    for (std::uint64_t& each : call.arguments)
        each = argument(input);
    return call;
}

/// What a hart does with a vCPU that has left its guest, until that can be entered.
void wait_as_said(Vcpu& vcpu) {
    if (!vcpu.leaves_guest() || machine->vm.stopped()) return;
    vcpu.enter_next();
    if (!is_asleep(vcpu)) return require(vcpu.is_fence_done(), "whoever is asked fences at once");
    if (vcpu.is_here()) vcpu.put_away();
    while (!wakening(vcpu, csr_read<Csr::time>()).now)
        while_asleep();
    bring_in(vcpu);
}

/// The call as the world switch hands it on; all that depends on what the handler returns. A long
/// event_get_info has the guest make it again, from where it is.
void make(Vcpu& vcpu, const Call& call) {
    const std::uint64_t pc = vcpu.context.pc;
    do {
        handle_sbi_call(machine->vm, vcpu);
        wait_as_said(vcpu);
    } while (vcpu.context.pc == pc && call.is(SbiExtension::pmu, SbiPmu::event_get_info));
}

void check_registers(const Call& call, const Registers& before, const Vcpu& vcpu,
                     std::uint64_t pc) {
    const Registers& x = vcpu.context.x;
    const bool began = vcpu.context.pc != pc + 4;
    require(!began || vcpu.context.pc == call.other_pc(), "the guest goes on where it said");
    const bool stopped = call.is(SbiExtension::hsm, SbiHsm::hart_stop);
    for (unsigned reg = 0; reg < x.size() && !stopped; ++reg)
        require(reg == a0 || reg == a1 || x[reg] == before[reg], "a call keeps registers");
    const auto error = static_cast<std::int64_t>(x[a0]);
    if (call.is_legacy()) {
        require(x[a1] == before[a1], "legacy calls answer in a0 alone");
    } else if (began || stopped) {
        require(x[a0] == vcpu.hart_id(), "a hart that begins finds its number");
    } else {
        require(error <= 0 && error >= static_cast<std::int64_t>(SbiError::denied_locked),
                "an error of the specification");
    }
}

void check_harts(std::uint32_t caller, const Call& call) {
    HartStates& harts = machine->vm.harts();
    if (call.is(SbiExtension::hsm, SbiHsm::hart_start) && call.arguments[0] >= harts.count())
        require(machine->vm.vcpu(caller).context.x[a0] != 0, "there is no such hart");
    for (std::uint32_t hart = 0; hart < harts.count(); ++hart) {
        const SbiHartState state = harts.state(hart);
        if (hart == caller) require(state == SbiHartState::started, "who calls runs");
        const bool may_be_pending =
            call.is(SbiExtension::hsm, SbiHsm::hart_start) && call.arguments[0] == hart;
        require(state == SbiHartState::started || state == SbiHartState::stopped ||
                    (state == SbiHartState::start_pending && may_be_pending),
                "a hart runs, is stopped, or has just been started");
    }
}

/// False where the VM has come to its end.
bool step(FuzzInput& input) {
    Vm& vm = machine->vm;
    const std::uint32_t hart = static_cast<std::uint32_t>(input.take(1)) % vm.cpus();
    if (vm.harts().state(hart) != SbiHartState::started) return true;
    machine->turn_to(hart);
    Vcpu& vcpu = vm.vcpu(hart);
    const Call call = choose(input);
    for (unsigned reg = 1; reg < 32; ++reg)
        vcpu.context.x[reg] = 0xabcd'0000 + reg;
    std::ranges::copy(call.arguments, &vcpu.context.x[a0]);
    vcpu.context.x[a6] = call.function;
    vcpu.context.x[a7] = call.extension;
    const Registers before = vcpu.context.x;
    const std::vector<std::byte> ram = machine->ram;
    const std::uint64_t pc = vcpu.context.pc;
    make(vcpu, call);
    for (std::uint64_t i = 0; i < ram.size(); ++i) {
        if (machine->ram[i] != ram[i])
            require(call.may_write(GuestMachine::ram_base + i), "a call writes what it may");
    }
    if (vm.stopped()) {
        require(call.may_end(), "few calls end a VM");
        return false;
    }
    check_registers(call, before, vcpu, pc);
    check_harts(hart, call);
    machine->begin_started();
    machine->answer_elsewhere();
    return true;
}

void type(GuestMachine& guest, std::span<const std::uint8_t> bytes) {
    for (const std::uint8_t byte : bytes)
        guest.keyboard.type({.value = static_cast<std::byte>(byte)});
    guest.vm.input_arrived();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    FuzzInput input({data, size});
    const std::uint64_t bits = input.take(1);
    GuestMachine guest(features_of(bits), 1 + static_cast<std::uint32_t>(bits >> 3) % 4);
    machine = &guest;
    fake_sbi_answer = firmware;
    fake_sbi_effect = [](const FakeSbiCall&) { machine->answer_elsewhere(); };
    while (!input.empty()) {
        fake_hart = {};
        fake_sbi_calls.clear();
        csr_write<Csr::time>(0);
        if (input.take(1) % 8 == 0) type(guest, input.run(3));
        if (!step(input)) break;
    }
    return 0;
}
