// SPDX-License-Identifier: MIT
#include "kernel/exit/sbi/sbi_calls.hpp"

#include <algorithm>
#include <array>

namespace cairn {
namespace {

using Handler = SbiResult (*)(Vm&, Vcpu&, SbiCall);

struct Row {
    SbiExtension extension = SbiExtension::base;  // which nobody looks for but in its own slot
    Handler handler = nullptr;
};

constexpr std::array rows{
    Row{SbiExtension::base, sbi_base}, Row{SbiExtension::time, sbi_time},
    Row{SbiExtension::ipi, sbi_ipi},   Row{SbiExtension::rfence, sbi_rfence},
    Row{SbiExtension::hsm, sbi_hsm},   Row{SbiExtension::srst, sbi_srst},
    Row{SbiExtension::pmu, sbi_pmu},   Row{SbiExtension::dbcn, sbi_dbcn},
    Row{SbiExtension::susp, sbi_susp}, Row{SbiExtension::sta, sbi_sta},
    Row{SbiExtension::fwft, sbi_fwft},
};

/// The rows where `slot` looks for them. The shifts were tried out: no two rows have one slot.
using Slots = std::array<Row, 16>;
constexpr std::size_t slot(std::uint64_t extension) {
    return (extension >> 3 ^ extension >> 14) % std::tuple_size_v<Slots>;
}
constexpr Slots slots = [] {
    Slots filled{};
    for (const Row& row : rows)
        filled[slot(static_cast<std::uint64_t>(row.extension))] = row;
    return filled;
}();
static_assert(std::ranges::count_if(slots, [](const Row& row) { return row.handler != nullptr; }) ==
              rows.size());

constexpr std::uint64_t ecall_length = 4;

bool is_legacy(std::uint64_t extension) {
    return extension <= static_cast<std::uint64_t>(SbiExtension::legacy_shutdown);
}

bool is_present_legacy(SbiExtension extension) {
    return extension == SbiExtension::legacy_set_timer ||
           extension == SbiExtension::legacy_console_putchar ||
           extension == SbiExtension::legacy_console_getchar ||
           extension == SbiExtension::legacy_clear_ipi ||
           extension == SbiExtension::legacy_shutdown;
}

const Row* find(std::uint64_t extension) {
    const Row& row = slots[slot(extension)];
    return static_cast<std::uint64_t>(row.extension) == extension ? &row : nullptr;
}

}  // namespace

bool put_byte(Vm& vm, SbiCall call) {
    const std::array byte{static_cast<std::byte>(call.arguments[0] & 0xff)};
    return vm.console().put(byte) != 0;
}

// Its registers are what they were.
SbiResult sbi_again(Vcpu& vcpu, SbiCall call) {
    vcpu.context.pc -= ecall_length;
    return {static_cast<long>(call.arguments[0]), call.arguments[1]};
}

bool sbi_extension_present(std::uint64_t extension) {
    return find(extension) != nullptr || is_present_legacy(static_cast<SbiExtension>(extension));
}

void handle_sbi_call(Vm& vm, Vcpu& vcpu) {
    Registers& x = vcpu.context.x;
    vcpu.context.pc += ecall_length;
    const std::uint64_t extension = x[17];
    const SbiCall call{.function = x[16],
                       .arguments = std::span<const std::uint64_t, 6>(&x[10], 6)};
    if (const Row* const row = find(extension); row != nullptr) [[likely]] {
        const SbiResult result = row->handler(vm, vcpu, call);
        x[10] = static_cast<std::uint64_t>(result.error);
        x[11] = result.value;
        return;
    }
    if (is_legacy(extension)) {  // these answer in a0 alone
        const auto id = static_cast<SbiExtension>(extension);
        x[10] = static_cast<std::uint64_t>(sbi_legacy(vm, vcpu, id, call).error);
        return;
    }
    x[10] = static_cast<std::uint64_t>(SbiError::not_supported);
    x[11] = 0;
}

}  // namespace cairn
