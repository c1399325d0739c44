// SPDX-License-Identifier: MIT
// Compiled: small. It runs for people.
#include "kernel/exit/whole_access.hpp"

#include <atomic>

#include "kernel/arch/isa/atomic_operation.hpp"
#include "kernel/exit/access_registers.hpp"

namespace cairn {
namespace {

struct Carrier {
    Vcpu& vcpu;
    const MemoryAccess& access;
    std::uint32_t instruction;
    GuestPhys at;

    template <class T>
    WholeAccess operator()(std::atomic_ref<T> place) const {
        switch (access.kind) {
            case AccessKind::load:
            case AccessKind::fp_load: return load(place.load());
            case AccessKind::store:
            case AccessKind::fp_store:
                place.store(static_cast<T>(value_to_store(vcpu, access)));
                return go_on_behind_write();
            case AccessKind::amo: return operate(place);
            case AccessKind::store_conditional: return store_conditionally(place);
            case AccessKind::load_reserved: break;
        }
        return WholeAccess::impossible;
    }

  private:
    [[nodiscard]] std::uint32_t number() const {
        return static_cast<std::uint32_t>(vcpu.hart_id());
    }
    [[nodiscard]] WholeAccess go_on() const {
        vcpu.context.pc += access.length;
        return WholeAccess::done;
    }
    /// Where the page has been copied for who executes it meanwhile, that is not the last copy.
    [[nodiscard]] WholeAccess go_on_behind_write() const {
        debugging().end_reservations(range());
        if (DebugPoints* const points = vcpu.vm().memory().debug_points(); points != nullptr)
            (void)points->open(at, DebugPoints::Use::access);
        return go_on();
    }
    [[nodiscard]] DebugControl& debugging() const { return vcpu.vm().debugging(); }
    [[nodiscard]] GuestRange range() const { return {at, access.width}; }
    [[nodiscard]] WholeAccess load(std::uint64_t value) const {
        set_loaded(vcpu, access, value);
        return go_on();
    }
    [[nodiscard]] std::uint64_t operand(const AtomicOperation& operation) const {
        return vcpu.context.x[operation.operand & 31];
    }
    /// Another hart may be faster once, or a few times.
    template <class T>
    [[nodiscard]] WholeAccess operate(std::atomic_ref<T> place) const {
        constexpr unsigned most_tries = 16;
        const AtomicOperation operation = decode_atomic_operation(instruction);
        const std::uint64_t expected = vcpu.context.x[access.reg & 31];
        T found = place.load();
        for (unsigned tries = 0; tries < most_tries; ++tries) {
            const std::uint64_t made =
                operation.apply(found, operand(operation), expected, access.width);
            if (!place.compare_exchange_strong(found, static_cast<T>(made))) continue;
            set_loaded(vcpu, access, found);
            return go_on_behind_write();
        }
        return WholeAccess::again;
    }
    template <class T>
    [[nodiscard]] WholeAccess store_conditionally(std::atomic_ref<T> place) const {
        const T made = static_cast<T>(operand(decode_atomic_operation(instruction)));
        const auto had = debugging().take_reservation(number());
        T found = had ? static_cast<T>(had->value) : place.load();
        if (had && had->range == range() && place.compare_exchange_strong(found, made)) {
            set_loaded(vcpu, access, 0);
            return go_on_behind_write();
        }
        debugging().reserve(number(), {.range = range(), .value = place.load()});
        set_loaded(vcpu, access, 1);
        (void)go_on();
        return WholeAccess::done_failed;
    }
};

template <class T>
std::atomic_ref<T> place_of(std::span<std::byte> bytes) {
    return std::atomic_ref(*reinterpret_cast<T*>(bytes.data()));
}

}  // namespace

WholeAccess carry_out_whole(Vm& vm, Vcpu& vcpu, std::uint32_t instruction,
                            const MemoryAccess& access, GuestPhys at) {
    if (!has_register_of(vcpu, access.kind)) return WholeAccess::again;
    const RamHold held = vm.memory().hold();
    const auto bytes = vm.memory().bytes(at, access.width);
    if (!bytes) return WholeAccess::impossible;
    const Carrier carrier{vcpu, access, instruction, at};
    switch (access.width) {
        case 1: return carrier(place_of<std::uint8_t>(*bytes));
        case 2: return carrier(place_of<std::uint16_t>(*bytes));
        case 4: return carrier(place_of<std::uint32_t>(*bytes));
        case 8: return carrier(place_of<std::uint64_t>(*bytes));
        default: return WholeAccess::impossible;
    }
}

}  // namespace cairn
