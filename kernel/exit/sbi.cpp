// SPDX-License-Identifier: MIT
#include "kernel/exit/sbi.hpp"

#include <array>

namespace cairn {
namespace {

using Handler = SbiResult (*)(Vm&, Vcpu&, SbiCall);

struct Row {
    SbiExtension extension;
    Handler handler;
};

/// What guests call most comes first.
constexpr std::array rows{
    Row{SbiExtension::time, sbi_time},     Row{SbiExtension::ipi, sbi_ipi},
    Row{SbiExtension::rfence, sbi_rfence}, Row{SbiExtension::base, sbi_base},
    Row{SbiExtension::dbcn, sbi_dbcn},     Row{SbiExtension::hsm, sbi_hsm},
    Row{SbiExtension::srst, sbi_srst},
};

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

Handler find_handler(std::uint64_t extension) {
    for (const Row& row : rows) {
        if (static_cast<std::uint64_t>(row.extension) == extension) return row.handler;
    }
    return nullptr;
}

}  // namespace

bool sbi_extension_present(std::uint64_t extension) {
    if (is_legacy(extension)) return is_present_legacy(static_cast<SbiExtension>(extension));
    return find_handler(extension) != nullptr;
}

void handle_sbi_call(Vm& vm, Vcpu& vcpu) {
    Registers& x = vcpu.context.x;
    vcpu.context.pc += ecall_length;
    const std::uint64_t extension = x[17];
    const SbiCall call{.function = x[16],
                       .arguments = std::span<const std::uint64_t, 6>(&x[10], 6)};
    if (const Handler handler = find_handler(extension); handler != nullptr) [[likely]] {
        const SbiResult result = handler(vm, vcpu, call);
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
