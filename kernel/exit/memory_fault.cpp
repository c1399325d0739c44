// SPDX-License-Identifier: MIT
// MMIO emulation: what was accessed, by which instruction, and the device's answer into the
// register. An access that reaches no device, or that no device understands, is an access fault in
// the guest, as on a machine that has nothing at the address.
//
// Device accesses are the exits that guests make most, so the usual case is short: an instruction
// that the vCPU has met, and a device that takes it. The rest is out of line, and reads the trap's
// CSRs again.
#include <cairn/print.hpp>
#include "kernel/arch/access_address.hpp"
#include "kernel/arch/instruction.hpp"
#include "kernel/exit/handle_exit.hpp"

namespace cairn {
namespace {

struct Fault {
    Exception exception;
    std::uint64_t trap_value;
};

/// What the world switch found at the guest's pc, as handle_guest_access gets it.
struct GuestFetch {
    std::uint64_t value;
    std::uint64_t address;

    [[nodiscard]] bool faulted() const { return value >> CAIRN_FETCH_FAULTED_BIT != 0; }
};

/// HLVX reports load faults; for the guest it was a fetch. Its page tables may have changed since
/// the access that brought us here, or there was none: QEMU 7.2 reports a fetch whose page table
/// lies outside RAM as a load.
Fault fetch_fault(GuestFetch fetch) {
    const auto cause = fetch.value & ~(std::uint64_t{1} << CAIRN_FETCH_FAULTED_BIT);
    return {static_cast<Exception>(cause) == Exception::load_page_fault
                ? Exception::instruction_page_fault
                : Exception::instruction_access_fault,
            fetch.address};
}

Exception access_fault(bool store) {
    return store ? Exception::store_access_fault : Exception::load_access_fault;
}

constexpr unsigned page_shift = 12;
/// Where in its page `address` is, in the uppermost bits.
constexpr std::uint64_t page_offset(std::uint64_t address) {
    return address << (64 - page_shift);
}

/// Translation keeps the offset in the page. Where it differs, the fault is of a read of the
/// guest's own page table, which htinst would have told on other harts.
bool is_table_walk(const TrapState& trap) {
    return page_offset(faulting_address(trap).value ^ trap.stval) != 0;
}

/// Whether the address that faulted is that of the access's first byte. If not, the access is
/// misaligned and began on a page before, which may be RAM.
bool is_first_byte(const Vcpu& vcpu, const TrapState& trap, GuestFetch fetch) {
    const auto instruction = static_cast<std::uint32_t>(fetch.value);
    return decode_access_address(instruction).in(vcpu.context.x) == trap.stval;
}

/// Which access faulted: from htinst where the hart tells, else from the instruction itself.
std::expected<MemoryAccess, Fault> decode_access(const Vcpu& vcpu, const TrapState& trap,
                                                 GuestFetch fetch) {
    const HtinstKind told = classify_htinst(trap.htinst);
    if (told == HtinstKind::transformed) return *decode_transformed(trap.htinst);
    if (fetch.faulted()) return std::unexpected(fetch_fault(fetch));
    const auto access = decode_memory_access(static_cast<std::uint32_t>(fetch.value));
    // A walk for a store may be reported as a load, as QEMU 7.2 does: so the instruction counts.
    const bool store = access ? access->is_store()
                              : exception_of(trap.scause) == Exception::store_guest_page_fault;
    const bool walk =
        told == HtinstKind::pseudo_read || told == HtinstKind::pseudo_write || is_table_walk(trap);
    if (!access || walk || !is_first_byte(vcpu, trap, fetch)) {
        return std::unexpected(Fault{access_fault(store), trap.stval});
    }
    return *access;
}

/// The exit is over; how the guest goes on.
Resumption finish(const Vcpu& vcpu, Resumption resumption) {
    if (vcpu.leaves_guest()) [[unlikely]]
        return Resumption::none;
    return resumption;
}

/// The access reached nobody, or a device that does not take it.
[[gnu::noinline]] Resumption refuse(Vcpu& vcpu, const MemoryAccess& access, BusError error) {
    Vm& vm = vcpu.vm();
    const TrapState trap = read_trap();
    if (vm.may_complain()) {
        println("vm {}: {} of {} bytes at {:#x} (pc {:#x}): {}: access fault", vm.name(),
                access.is_store() ? "store" : "load", access.width,
                (faulting_address(trap) - access.address_offset).value, vcpu.context.pc,
                to_string(error));
    }
    raise_in_guest(vm, vcpu, access_fault(access.is_store()), trap.stval);
    return finish(vcpu, Resumption::all);
}

/// In place of a DeviceGuard, where nobody else is at the devices.
struct NoGuard {
    explicit NoGuard(DeviceLock& /*lock*/) {}
};

/// The device's part, and the register's.
template <class Guard>
[[gnu::always_inline]] inline Resumption perform(Vcpu& vcpu, const RecentAccess& recent,
                                                 GuestPhys at) {
    MmioDevice& device = recent.hint.device();
    const std::uint64_t offset = recent.hint.offset(at);
    const auto width = static_cast<AccessWidth>(recent.access.width);
    Registers& x = vcpu.context.x;
    if (recent.access.kind == AccessKind::load) {
        const auto value = [&] {
            [[maybe_unused]] const Guard guard(vcpu.vm().device_lock());
            return device.read(offset, width);
        }();
        if (!value) [[unlikely]]
            return refuse(vcpu, recent.access, value.error());
        if (recent.access.reg != 0) x[recent.reg()] = recent.loaded(*value);
    } else {
        const auto done = [&] {
            [[maybe_unused]] const Guard guard(vcpu.vm().device_lock());
            return device.write(offset, width, recent.stored(x[recent.reg()]));
        }();
        if (!done) [[unlikely]]
            return refuse(vcpu, recent.access, done.error());
    }
    vcpu.context.pc += recent.access.length;
    return finish(vcpu, recent.resumption);
}

/// With other vCPUs at the devices, too. Out of line: a guard takes a frame.
/// Shaped for: "MMIO read, PLIC"; "MMIO write, UART".
[[gnu::noinline]] Resumption perform_locked(Vcpu& vcpu, const RecentAccess& recent, GuestPhys at) {
    return perform<DeviceGuard>(vcpu, recent, at);
}

/// An access that is not as `recent` has it: decodes it and finds its device anew.
[[gnu::noinline]] Resumption learn(Vcpu& vcpu, GuestFetch fetch, RecentAccess& recent) {
    const TrapState trap = read_trap();
    // Whatever it was that touched RAM, an access or a walk of its tables, it is done again.
    if (const GuestPhys at = faulting_address(trap); vcpu.vm().memory().holds(at, 1)) {
        touch_ram(vcpu.vm(), at);
        return finish(vcpu, Resumption::all);
    }
    const auto access = decode_access(vcpu, trap, fetch);
    if (!access) {
        raise_in_guest(vcpu.vm(), vcpu, access.error().exception, access.error().trap_value);
        return finish(vcpu, Resumption::all);
    }
    if (access->kind != AccessKind::load && access->kind != AccessKind::store) {
        return refuse(vcpu, *access, BusError::width);  // no AMO, no FP
    }
    const GuestPhys at = faulting_address(trap) - access->address_offset;
    const auto hint = vcpu.vm().bus().find(at, static_cast<AccessWidth>(access->width));
    if (!hint) return refuse(vcpu, *access, hint.error());
    const bool told = classify_htinst(trap.htinst) == HtinstKind::transformed;
    const auto base = decode_access_address(static_cast<std::uint32_t>(fetch.value)).base;
    recent = {told ? trap.htinst | RecentAccess::from_htinst : fetch.value, *access, *hint,
              vcpu.context.x[base]};
    return perform_locked(vcpu, recent, at);
}

/// Whether `recent` is the access of now. Where htinst is 0, it has to be asked whether the access
/// begins on the page before: only where the fault is at a page's start, for what crosses to there
/// is misaligned. A fetch that faulted is no key.
[[gnu::always_inline]] inline bool is_known(const RecentAccess& recent, std::uint64_t fetched,
                                            const TrapState& trap) {
    if (trap.htinst != 0) [[unlikely]] {
        return trap.htinst >> 32 == 0 && recent.key == (trap.htinst | RecentAccess::from_htinst);
    }
    return recent.key == fetched && !is_table_walk(trap) &&
           (page_offset(trap.stval) != 0 || recent.begins_as_learned());
}

}  // namespace

extern "C" Resumption handle_guest_access(VcpuContext* context, std::uint64_t fetched,
                                          std::uint64_t fault_address, std::uint64_t htinst,
                                          std::uint64_t stval, std::uint64_t htval) {
    Vcpu& vcpu = *context->vcpu;
    RecentAccess& recent = vcpu.recent_accesses().at(context->pc);
    const TrapState trap{.scause = 0, .stval = stval, .htval = htval, .htinst = htinst};
    const GuestPhys at = faulting_address(trap) - recent.access.address_offset;
    const auto width = static_cast<AccessWidth>(recent.access.width);
    if (is_known(recent, fetched, trap) && recent.hint.holds(at, width)) [[likely]] {
        if (vcpu.vm().device_lock().is_shared()) return perform_locked(vcpu, recent, at);
        return perform<NoGuard>(vcpu, recent, at);
    }
    return learn(vcpu, {fetched, fault_address}, recent);
}

}  // namespace cairn
