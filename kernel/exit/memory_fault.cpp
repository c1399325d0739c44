// SPDX-License-Identifier: MIT
// MMIO emulation: what was accessed, by which instruction, and the device's answer into the
// register. An access that reaches no device, or that no device understands, is an access fault in
// the guest, as on a machine that has nothing at the address.
//
// Device accesses are the exits that guests make most, so the usual case is short: an instruction
// that the vCPU has met, and a device that takes it. The rest is out of line, and reads the trap's
// CSRs again.
#include <bit>
#include <utility>

#include <cairn/bits.hpp>
#include <cairn/print.hpp>
#include "kernel/arch/guest/hart_operations.hpp"
#include "kernel/arch/isa/access_address.hpp"
#include "kernel/arch/isa/instruction.hpp"
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
    return vcpu.unless_leaving(Resumption::with_saved_registers);
}

/// The same of a known one. What its key says is decoded again: that is rare. Where the device is
/// busy, the guest does the access again, and its hart serves in between whatever has come.
[[gnu::noinline]] Resumption refuse_known(Vcpu& vcpu, const RecentAccess& recent, BusError error) {
    if (error == BusError::busy) return vcpu.unless_leaving(Resumption::with_saved_registers);
    const bool told = (recent.key & RecentAccess::from_htinst) != 0;
    const auto instruction = static_cast<std::uint32_t>(recent.key);
    const auto access = told ? decode_transformed(instruction) : decode_memory_access(instruction);
    return refuse(vcpu, access.value_or(MemoryAccess{}), error);
}

/// In place of a guard, where nobody else is at the devices.
struct NoGuard {
    explicit NoGuard(DeviceLock& /*lock*/) {}
};

/// The device's part, and the register's: of an access whose kind and width are `kind`'s.
template <class Guard, MemoryAccess kind>
Resumption perform(Vcpu& vcpu, const RecentAccess& recent, GuestPhys at, std::uint64_t offset) {
    constexpr auto width = static_cast<AccessWidth>(kind.width);
    if (at.value % kind.width != 0) [[unlikely]]
        return refuse_known(vcpu, recent, BusError::width);
    if constexpr (kind.kind == AccessKind::load) {
        const auto value = [&] {
            [[maybe_unused]] const Guard guard(vcpu.vm().device_lock());
            return recent.hint.device().read(offset, width);
        }();
        if (!value) [[unlikely]]
            return refuse_known(vcpu, recent, value.error());
        *recent.value = loaded_value(kind, *value);
    } else {
        const auto done = [&] {
            [[maybe_unused]] const Guard guard(vcpu.vm().device_lock());
            return recent.hint.device().write(offset, width, stored_value(kind, *recent.value));
        }();
        if (!done) [[unlikely]]
            return refuse_known(vcpu, recent, done.error());
    }
    vcpu.context.pc += recent.length;
    return vcpu.unless_leaving(recent.resumption);
}

/// The performer of loads (unsigned, signed) and stores, each of 1, 2, 4 and 8 bytes.
template <class Guard>
RecentAccess::Performer& performer_of(const MemoryAccess& access) {
    const auto of = []<std::size_t... log2>(const MemoryAccess& one, std::index_sequence<log2...>) {
        constexpr auto load = AccessKind::load;
        constexpr RecentAccess::Performer* table[][sizeof...(log2)]{
            {perform<Guard, MemoryAccess{load, 1u << log2, false}>...},
            {perform<Guard, MemoryAccess{load, 1u << log2, true}>...},
            {perform<Guard, MemoryAccess{AccessKind::store, 1u << log2}>...}};
        const unsigned row = one.is_store() ? 2 : one.sign_extend ? 1 : 0;
        return table[row][std::countr_zero(one.width) & 3];
    };
    return *of(access, std::make_index_sequence<4>());
}

/// In place of a performer, for an access whose register is not in the context yet.
Resumption put_off(Vcpu& vcpu, const RecentAccess& recent, GuestPhys at, std::uint64_t /*offset*/) {
    vcpu.open_access() = {.known = &recent, .at_or_fetched = at.value};
    return Resumption::not_yet;
}

RecentAccess recent_access(Vcpu& vcpu, std::uint64_t key, const MemoryAccess& access,
                           Bus::Hint hint, unsigned base) {
    const bool shared = vcpu.vm().device_lock().is_shared();
    RecentAccess::Performer& performer =
        shared ? performer_of<SharedDeviceGuard>(access) : performer_of<NoGuard>(access);
    Registers& x = vcpu.context.x;
    const bool load = access.kind == AccessKind::load;
    const bool saved = is_saved_register(access.reg);
    return {.hint = hint,
            .length = access.length,
            .address_offset = access.address_offset,
            .resumption = load && saved ? Resumption::all : Resumption::with_saved_registers,
            .base = RecentAccess::base_of(base),
            .key = key,
            .base_value = x[base & 31],
            .value = load && access.reg == 0 ? &vcpu.discarded() : &x[access.reg & 31],
            .perform = saved ? put_off : performer,
            .perform_stored = &performer};
}

/// Has the guest read the page of registers at `at` without an exit from now on, where that works.
/// Not where it can say of its own pages that they are no main memory (Svpbmt): what it reads by
/// such a page need not be what Cairn has written. Nor where its fences of I/O would not order it.
void show_registers(Vm& vm, const Bus::Hint& hint, GuestPhys at) {
    const GuestPhys page{align_down(at.value, RegisterPage::bytes)};
    const GuestFeatures& features = vm.features();
    if (!features.fiom || features.svpbmt || !hint.device().shows_page(hint.offset(page))) return;
    const DeviceGuard guard(vm.device_lock());
    std::uint32_t* const words = vm.memory().register_page(page);
    if (words == nullptr) return;
    hint.device().show_page(hint.offset(page), RegisterPage(words));
    if (vm.memory().show_register_page(page)) return hfence_gvma_all();  // invalid may be kept
    hint.device().show_page(hint.offset(page), RegisterPage());
}

/// An access that is as none in `row`: decodes it and finds its device. Out of line, for the short
/// way. Shaped for: "MMIO read, PLIC"; "MMIO write, UART".
[[gnu::noinline]] Resumption learn(Vcpu& vcpu, GuestFetch fetch, const TrapState& trap,
                                   RecentAccesses::Row& row) {
    // Whatever it was that touched RAM, an access or a walk of its tables, it is done again.
    if (const GuestPhys at = faulting_address(trap); vcpu.vm().memory().holds(at, 1)) {
        return vcpu.unless_leaving(touch_ram(vcpu.vm(), at));
    }
    const auto access = decode_access(vcpu, trap, fetch);
    if (!access) {
        if (const auto code = fetch.faulted() ? read_patched_code(vcpu.vm(), vcpu) : std::nullopt)
            return learn(vcpu, {*code, vcpu.context.pc}, trap, row);
        raise_in_guest(vcpu.vm(), vcpu, access.error().exception, access.error().trap_value);
        return vcpu.unless_leaving(Resumption::with_saved_registers);
    }
    if (access->kind != AccessKind::load && access->kind != AccessKind::store) {
        return refuse(vcpu, *access, BusError::width);  // no AMO, no FP
    }
    const GuestPhys at = faulting_address(trap) - access->address_offset;
    const auto hint = vcpu.vm().bus().find(at, static_cast<AccessWidth>(access->width));
    if (!hint) return refuse(vcpu, *access, hint.error());
    const bool reads_word = access->kind == AccessKind::load && access->width == 4;
    if (reads_word) show_registers(vcpu.vm(), *hint, at);  // other widths are refused
    const bool told = classify_htinst(trap.htinst) == HtinstKind::transformed;
    const std::uint64_t key = told ? trap.htinst | RecentAccess::from_htinst : fetch.value;
    const auto base = decode_access_address(static_cast<std::uint32_t>(fetch.value)).base;
    row.second = row.first;
    row.first = recent_access(vcpu, key, *access, *hint, base);
    return row.first.perform_stored(vcpu, row.first, at, hint->offset(at));
}

/// Whether `recent` is the access of now, but for where it begins. A fetch that faulted is no key.
bool is_like(const RecentAccess& recent, std::uint64_t key, GuestPhys at) {
    return recent.key == key && recent.hint.holds(at);
}

/// Whether it is asked for where an access begins, in a hart that leaves htinst 0: only where the
/// fault is at a page's start, for what crosses to there from the page before is misaligned.
bool is_at_page_start(const TrapState& trap) {
    return as_it_is(page_offset(trap.stval)) == 0;
}

/// Whether `recent` begins as it did when it was learned, before s1 to s11 are in the context.
bool begins_early(const Vcpu& vcpu, const RecentAccess& recent, const TrapState& trap) {
    return !is_at_page_start(trap) || recent.begins_as_learned_early(vcpu.context);
}

/// An access that is not the first of its row. Out of line, and so it reads the CSRs again.
[[gnu::noinline]] Resumption handle_second_access(Vcpu& vcpu, GuestFetch fetch,
                                                  const RecentAccesses::Row& row) {
    const TrapState trap = read_trap();
    const GuestPhys at = faulting_address(trap);
    const RecentAccess& second = row.second;
    if (!is_table_walk(trap) && is_like(second, fetch.value, at) &&
        begins_early(vcpu, second, trap))
        return second.perform(vcpu, second, at, second.hint.offset(at));
    vcpu.open_access() = {.at_or_fetched = fetch.value, .fault_address = fetch.address};
    return Resumption::not_yet;
}

/// The same where the hart has told the access in htinst: no page's start is in doubt.
[[gnu::noinline]] Resumption handle_told_access(Vcpu& vcpu, GuestFetch fetch,
                                                RecentAccesses::Row& row) {
    const TrapState trap = read_trap();
    const std::uint64_t key = trap.htinst | RecentAccess::from_htinst;
    if (trap.htinst >> 32 == 0) {
        for (const RecentAccess* const recent : {&row.first, &row.second}) {
            const GuestPhys at = faulting_address(trap) - recent->address_offset;
            if (is_like(*recent, key, at))
                return recent->perform(vcpu, *recent, at, recent->hint.offset(at));
        }
    }
    vcpu.open_access() = {.at_or_fetched = fetch.value, .fault_address = fetch.address};
    return Resumption::not_yet;
}

}  // namespace

extern "C" Resumption handle_guest_access(VcpuContext* context, std::uint64_t fetched,
                                          std::uint64_t fault_address, std::uint64_t htinst,
                                          std::uint64_t stval, std::uint64_t htval) {
    Vcpu& vcpu = *context->vcpu;
    RecentAccesses::Row& row = vcpu.recent_accesses().at(context->pc);
    const TrapState trap{.scause = 0, .stval = stval, .htval = htval, .htinst = htinst};
    if (htinst != 0) [[unlikely]]
        return handle_told_access(vcpu, {fetched, fault_address}, row);
    const GuestPhys at = faulting_address(trap);
    const RecentAccess& first = row.first;
    if (!is_table_walk(trap) && is_like(first, fetched, at) && begins_early(vcpu, first, trap))
        [[likely]]
        return first.perform(vcpu, first, at, first.hint.offset(at));
    return handle_second_access(vcpu, {fetched, fault_address}, row);
}

extern "C" Resumption handle_open_access(VcpuContext* context) {
    Vcpu& vcpu = *context->vcpu;
    const OpenAccess open = vcpu.open_access();
    if (open.known != nullptr) [[likely]] {
        const GuestPhys at{open.at_or_fetched};
        return open.known->perform_stored(vcpu, *open.known, at, open.known->hint.offset(at));
    }
    const GuestFetch fetch{open.at_or_fetched, open.fault_address};
    RecentAccesses::Row& row = vcpu.recent_accesses().at(context->pc);
    const TrapState trap = read_trap();
    const GuestPhys at = faulting_address(trap);
    if (trap.htinst == 0 && !is_table_walk(trap)) {
        for (const RecentAccess* const recent : {&row.first, &row.second}) {
            if (is_like(*recent, fetch.value, at) &&
                (!is_at_page_start(trap) || recent->begins_as_learned(*context)))
                return recent->perform_stored(vcpu, *recent, at, recent->hint.offset(at));
        }
    }
    return learn(vcpu, fetch, trap, row);
}

}  // namespace cairn
