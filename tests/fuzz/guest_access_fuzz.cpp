// SPDX-License-Identifier: MIT
// Guest-page faults of loads and stores: any instruction at pc or none that can be read, any
// htinst, any addresses. After one in RAM the guest tries again. After any other it goes on behind
// the instruction, with the register
// changed that a load names and no other, or in its handler with a fault that the access could
// have; x0 is 0, at most one device has been touched once, and memory is as it was.
#include <cairn/panic.hpp>
#include "kernel/arch/isa/access_address.hpp"
#include "kernel/arch/isa/instruction.hpp"
#include "kernel/exit/handle_exit.hpp"
#include "tests/fuzz/guest_machine.hpp"
#include "tests/fuzz/input.hpp"

using namespace cairn;

namespace {

/// s1 to s11 (RISC-V psABI, "Integer register convention").
constexpr std::uint32_t saved_registers = 1u << 9 | 0x3ffu << 18;

/// Takes some accesses and refuses others, as its input says.
class Device final : public MmioDevice {
  public:
    static constexpr GuestRange block{{0x2000'0000}, 0x1000};

    std::expected<std::uint64_t, BusError> read(std::uint64_t offset, AccessWidth width) override {
        touch(offset, width);
        if (refuses) return std::unexpected(BusError::width);
        const unsigned bits = static_cast<unsigned>(width) * 8;
        return bits == 64 ? answer : answer & ((std::uint64_t{1} << bits) - 1);
    }
    std::expected<void, BusError> write(std::uint64_t offset, AccessWidth width,
                                        std::uint64_t value) override {
        touch(offset, width);
        const unsigned bits = static_cast<unsigned>(width) * 8;
        require(bits == 64 || value >> bits == 0, "a device is given what fits the width");
        if (refuses) return std::unexpected(BusError::width);
        return {};
    }
    bool refuses = false;
    std::uint64_t answer = 0;
    unsigned touches = 0;

  private:
    void touch(std::uint64_t offset, AccessWidth width) {
        const auto bytes = static_cast<std::uint64_t>(width);
        require(offset % bytes == 0 && offset + bytes <= block.size, "an access in order");
        ++touches;
    }
};

struct Fault {
    std::uint64_t scause, instruction, fetch_fault, htinst, stval, at;
};

std::uint32_t instruction(FuzzInput& input) {
    constexpr std::array<std::uint32_t, 6> opcodes{0x03, 0x23, 0x2f, 0x07, 0x27, 0x03};
    const std::uint64_t kind = input.take(1);
    const auto word = static_cast<std::uint32_t>(input.take(4));
    return kind < 192 ? (word & ~0x7fu) | opcodes[kind % opcodes.size()] : word;
}

GuestPhys place(FuzzInput& input) {
    constexpr std::array<std::uint64_t, 8> places{Device::block.base.value,
                                                  0x1000'0000,
                                                  0x0c00'0000,
                                                  0x0c20'0000,
                                                  0x0010'0000,
                                                  0x0010'1000,
                                                  0x2000'0ff8,
                                                  0x8000'4000};
    const std::uint64_t base = places[input.take(1) % places.size()];
    return {input.take(1) % 8 == 7 ? input.number() : base + input.take(1) % 64};
}

Fault choose(FuzzInput& input) {
    constexpr std::array<std::uint64_t, 3> fetch_faults{5, 13, 21};
    constexpr std::array<std::uint64_t, 4> pseudo{0x3000, 0x3020, 0x2000, 0x2020};
    Fault fault{};
    const std::uint64_t kind = input.take(1);
    fault.scause = static_cast<std::uint64_t>((kind & 1) != 0 ? Exception::store_guest_page_fault
                                                              : Exception::load_guest_page_fault);
    fault.instruction = instruction(input);
    if ((kind & 0xe) == 0) {
        fault.fetch_fault = fetch_faults[input.take(1) % fetch_faults.size()];
        fault.instruction = input.number();
    }
    fault.at = place(input).value & (~std::uint64_t{0} >> 8);
    switch (kind >> 4) {
        case 0: fault.htinst = input.number(); break;
        case 1: fault.htinst = pseudo[input.take(1) % pseudo.size()]; break;
        case 2:
        case 3:
        case 4: fault.htinst = instruction(input) & ~(31u << 15); break;
        case 5: fault.htinst = instruction(input) & ~2u; break;
        default: break;
    }
    fault.stval = (input.take(1) % 8 == 7 ? input.number() : 0xffff'ffc0'0000'0000 + fault.at);
    fault.stval = (fault.stval & ~std::uint64_t{3}) | (fault.at & 3);
    return fault;
}

/// The exit as the world switch hands it on; all that depends on what the handler returns.
Resumption handle(Vcpu& vcpu, const Fault& fault) {
    csr_write<Csr::scause>(fault.scause);
    csr_write<Csr::stval>(fault.stval);
    csr_write<Csr::htval>(fault.at >> 2);
    csr_write<Csr::htinst>(fault.htinst);
    const bool faulted = fault.fetch_fault != 0;
    const std::uint64_t fetched = faulted ? fault.fetch_fault | std::uint64_t{1}
                                                                    << CAIRN_FETCH_FAULTED_BIT
                                          : fault.instruction;
    const Resumption early =
        handle_guest_access(&vcpu.context, fetched, faulted ? fault.instruction : 0, fault.htinst,
                            fault.stval, fault.at >> 2);
    require(early != Resumption::all, "s1 to s11, which are not stored yet, are not loaded");
    return early == Resumption::not_yet ? handle_open_access(&vcpu.context) : early;
}

void check_injected(const Vcpu& vcpu, const Registers& before, std::uint64_t pc) {
    require(vcpu.context.x == before, "a fault changes no register");
    require(csr_read<Csr::vsepc>() == pc, "a fault is of the instruction at pc");
    switch (static_cast<Exception>(csr_read<Csr::vscause>())) {
        case Exception::load_access_fault:
        case Exception::store_access_fault:
        case Exception::instruction_access_fault:
        case Exception::instruction_page_fault: return;
        default: require(false, "a fault that an access can have");
    }
}

void check_done(const Vcpu& vcpu, const Registers& before, std::uint64_t pc, const Fault& fault,
                Resumption resumption) {
    const auto told = decode_transformed(fault.htinst);
    const auto access =
        told ? told : decode_memory_access(static_cast<std::uint32_t>(fault.instruction));
    require(access.has_value(), "what is done was decoded");
    require(vcpu.context.pc == pc + access->length, "the guest goes on behind the instruction");
    for (unsigned reg = 0; reg < before.size(); ++reg) {
        if (vcpu.context.x[reg] == before[reg]) continue;
        require(access->kind == AccessKind::load && reg == access->reg, "rd alone changes");
        require(resumption == Resumption::all || (saved_registers >> reg & 1) == 0,
                "what has changed is loaded");
    }
}

/// Has the instruction's base register lead to the address that faulted, where it has one.
void aim(Registers& x, const Fault& fault) {
    const AccessAddress address =
        decode_access_address(static_cast<std::uint32_t>(fault.instruction));
    if (address.base != 0)
        x[address.base] = fault.stval - static_cast<std::uint64_t>(std::int64_t{address.offset});
}

bool step(GuestMachine& machine, Device& device, FuzzInput& input) {
    Vcpu& vcpu = machine.vm.vcpu();
    const Fault fault = choose(input);
    for (unsigned reg = 1; reg < 32; ++reg)
        vcpu.context.x[reg] = reg * 0x0123'4567'89ab'cdef;
    if (input.take(1) % 8 != 0) aim(vcpu.context.x, fault);
    const std::uint64_t pc = vcpu.context.pc = GuestMachine::entry + input.take(1) % 4 * 2;
    device.refuses = input.take(1) % 4 == 0;
    device.answer = input.number();
    device.touches = 0;
    const Registers before = vcpu.context.x;
    const std::vector<std::byte> ram = machine.ram;
    const Resumption resumption = handle(vcpu, fault);
    require(vcpu.context.x[0] == 0, "x0 is 0");
    require(device.touches <= 1, "a device is touched once");
    require(machine.ram == ram, "memory is as it was");
    require((resumption == Resumption::none) == machine.vm.stopped().has_value(),
            "the guest goes on unless it has ended");
    if (resumption == Resumption::none) return false;
    require(resumption != Resumption::not_yet, "the second look is the last");
    if (machine.vm.memory().holds({fault.at}, 1)) {
        require(vcpu.context.pc == pc && vcpu.context.x == before && device.touches == 0,
                "what touched RAM is tried again");
    } else if (vcpu.context.pc == GuestMachine::handler) {
        check_injected(vcpu, before, pc);
    } else {
        check_done(vcpu, before, pc, fault, resumption);
    }
    return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    FuzzInput input({data, size});
    GuestMachine machine({}, 1 + static_cast<std::uint32_t>(input.take(1)) % 2);
    Device device;
    require(machine.vm.bus().attach(Device::block, device).has_value(), "room on the bus");
    while (!input.empty() && step(machine, device, input)) {
    }
    return 0;
}
