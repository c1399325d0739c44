// SPDX-License-Identifier: MIT
// Exits of a vCPU whose exits are counted or traced: all come here, those that the world switch
// answers by itself otherwise, too, and are answered as they always are. What is kept of one is
// what it was, and what the answer took.
#include <algorithm>

#include "kernel/arch/guest/hart_operations.hpp"
#include "kernel/arch/isa/csr_access.hpp"
#include "kernel/arch/isa/instruction.hpp"
#include "kernel/exit/handle_exit.hpp"

namespace cairn {
namespace {

/// An instruction as handle_guest_access is given it.
struct Fetched {
    std::uint64_t value = 0;
    std::uint64_t address = 0;

    [[nodiscard]] bool faulted() const { return value >> CAIRN_FETCH_FAULTED_BIT != 0; }
};

/// A fault of a fetch loses the trap CSRs of the exit.
Fetched fetch_faulted(std::uint64_t scause, std::uint64_t address, const TrapState& trap) {
    csr_write<Csr::scause>(trap.scause);
    csr_write<Csr::stval>(trap.stval);
    csr_write<Csr::htval>(trap.htval);
    csr_write<Csr::htinst>(trap.htinst);
    return {scause | std::uint64_t{1} << CAIRN_FETCH_FAULTED_BIT, address};
}

/// As the world switch does it: a word where it lies in one page for sure, else no more halves than
/// the instruction has.
Fetched fetch(std::uint64_t pc, const TrapState& trap) {
    const GuestValue low = fetch_guest_half(pc);
    if (low.fault != 0) return fetch_faulted(low.fault, pc, trap);
    if (pc % 4 != 0 && instruction_length(static_cast<std::uint16_t>(low.value)) == 2)
        return {low.value, pc};
    const GuestValue high = fetch_guest_half(pc + 2);
    if (high.fault != 0) return fetch_faulted(high.fault, pc + 2, trap);
    return {low.value | high.value << 16, pc};
}

/// What the host has retired; 0 where the firmware does not lend the counter.
std::uint64_t instructions(const Vm& vm) {
    constexpr auto instret =
        static_cast<unsigned>(Csr::instret) - static_cast<unsigned>(Csr::cycle);
    if ((vm.features().counters.present >> instret & 1) == 0) return 0;
    return csr_read<Csr::instret>();
}

/// What is known before it is answered.
ExitRecord describe(const VcpuContext& context, const TrapState& trap) {
    ExitRecord record{.time = csr_read<Csr::time>(),
                      .pc = context.pc,
                      .cause = ExitRecord::short_cause(trap.scause),
                      .is_user = !Sstatus::SPP::get(csr_read<Csr::sstatus>())};
    if (is_interrupt(trap.scause)) return record;
    if (is_guest_call(trap.scause)) {
        record.subject = context.x[17];
        record.function = saturated(context.x[16]);
        record.value = context.x[10];
        record.has_value = true;
    } else {
        record.subject =
            is_guest_page_fault(trap.scause) ? faulting_address(trap).value : trap.stval;
    }
    return record;
}

/// What a device was told or has told, if the access was carried out.
void describe_value(ExitRecord& record, const Fetched& fetched, Vcpu& vcpu) {
    const VcpuContext& context = vcpu.context;
    if (fetched.faulted()) return;
    const auto access = decode_memory_access(static_cast<std::uint32_t>(fetched.value));
    if (!access || context.pc != record.pc + access->length) return;
    if (access->kind != AccessKind::load && access->kind != AccessKind::store) return;
    const bool is_discarded = access->kind == AccessKind::load && access->reg == 0;
    record.value =
        stored_value(*access, is_discarded ? vcpu.discarded() : context.x[access->reg & 31]);
    record.has_value = true;
}

Resumption answer_access(VcpuContext& context, const TrapState& trap, const Fetched& fetched) {
    const Resumption next = handle_guest_access(&context, fetched.value, fetched.address,
                                                trap.htinst, trap.stval, trap.htval);
    return next == Resumption::not_yet ? handle_open_access(&context) : next;
}

/// Answers it, and says in `record` what that took.
Resumption answer(VcpuContext& context, const TrapState& trap, ExitRecord& record) {
    const Vm& vm = context.vcpu->vm();
    const bool is_access = is_guest_access(trap.scause);
    const Fetched fetched = is_access ? fetch(record.pc, trap) : Fetched{};
    const std::uint64_t before = instructions(vm);
    const Resumption next =
        is_access ? answer_access(context, trap, fetched) : handle_guest_exit(&context);
    const std::uint64_t after = instructions(vm);
    // The guest's own call may have set the counter anew.
    record.instructions = after > before ? saturated(after - before) : 0;
    if (is_access) describe_value(record, fetched, *context.vcpu);
    record.left = next == Resumption::none;
    // Also for a fence: what the exit took is known once the guest's path is chosen again.
    if (record.left) context.vcpu->leave_guest();
    return next;
}

void keep(Vcpu& vcpu, ExitRecord& record) {
    Vm& vm = vcpu.vm();
    if (ExitCounts* const counts = vm.exit_counts(); counts != nullptr)
        counts->add(cause_of(record, vm.memory().range(), vm.devices().list()),
                    record.instructions);
    record.ticks = saturated(csr_read<Csr::time>() - record.time);
    vcpu.exit_trace().add(record);
}

}  // namespace

extern "C" Resumption handle_watched_exit(VcpuContext* context) {
    const TrapState trap = read_trap();
    ExitRecord record = describe(*context, trap);
    const Resumption next = answer(*context, trap, record);
    if (context->vcpu->watches_exits()) keep(*context->vcpu, record);
    return next;
}

}  // namespace cairn
