// SPDX-License-Identifier: MIT
// "Legacy Extensions": answers in a0 alone; a6 is ignored.
#include "tests/guests/sbi_conformance/suite.hpp"

namespace cairn::guest::conformance {

void check_legacy_timer();

namespace {

constexpr std::uint64_t any_function = 0x55;  // ignored
volatile std::uint64_t hart_mask = 0;

std::uint64_t mask_address() {
    return reinterpret_cast<std::uint64_t>(&hart_mask);
}

bool begin(SbiExtension extension, std::string_view name) {
    const SbiResult probed = call(SbiExtension::base, SbiBase::probe_extension, extension);
    check_success("BASE probe_extension", name, probed);
    if (probed.value != 0) return true;
    // Of an absent shutdown as well: "An ECALL with an unsupported SBI extension ID (EID) or an
    // unsupported SBI function ID (FID) must return the error code SBI_ERR_NOT_SUPPORTED."
    check_error(name, "an extension that it does not have", call(extension, 0, mask_address()),
                {SbiError::not_supported});
    return false;
}

void send_to_self_and_clear() {
    if (begin(SbiExtension::legacy_send_ipi, "legacy send_ipi")) {
        hart_mask = std::uint64_t{1} << world.self;
        check_success("legacy send_ipi", "to itself",
                      call(SbiExtension::legacy_send_ipi, any_function, mask_address()));
        check("legacy send_ipi", "the interrupt", takes(Interrupt::software, patience));
    }
    if (!begin(SbiExtension::legacy_clear_ipi, "legacy clear_ipi")) return;
    call(SbiExtension::ipi, SbiIpi::send_ipi, 1, world.self);
    takes(Interrupt::software, patience);
    const SbiResult cleared = call(SbiExtension::legacy_clear_ipi, any_function);
    check("legacy clear_ipi", "a pending one: a positive value", cleared.error > 0);
    check("legacy clear_ipi", "it is not pending any more", !is_pending(Interrupt::software));
    const SbiResult nothing = call(SbiExtension::legacy_clear_ipi, any_function);
    check_value("legacy clear_ipi", "none pending", static_cast<std::uint64_t>(nothing.error), 0);
}

void check_fences() {
    hart_mask = std::uint64_t{1} << world.self;
    if (begin(SbiExtension::legacy_remote_fence_i, "legacy remote_fence_i")) {
        check_success("legacy remote_fence_i", "itself",
                      call(SbiExtension::legacy_remote_fence_i, any_function, mask_address()));
    }
    for (const auto& [extension, name] :
         {std::pair{SbiExtension::legacy_remote_sfence_vma, "legacy remote_sfence_vma"},
          std::pair{SbiExtension::legacy_remote_sfence_vma_asid,
                    "legacy remote_sfence_vma_asid"}}) {
        if (!begin(extension, name)) continue;
        check_success(name, "everything", call(extension, any_function, mask_address(), 0, 0));
        check_success(name, "one page",
                      call(extension, any_function, mask_address(), window_base, 4096));
        check_success(name, "size -1", call(extension, any_function, mask_address(), 0, all_ones));
    }
}

}  // namespace

void check_legacy() {
    if (begin(SbiExtension::legacy_set_timer, "legacy set_timer")) check_legacy_timer();
    if (begin(SbiExtension::legacy_console_putchar, "legacy console_putchar")) {
        bool written = true;
        for (const char character : std::string_view("legacy putchar wrote this\n"))
            written &= call(SbiExtension::legacy_console_putchar, any_function, character).ok();
        check("legacy console_putchar", "0 upon success", written);
    }
    if (begin(SbiExtension::legacy_console_getchar, "legacy console_getchar")) {
        const SbiResult byte = call(SbiExtension::legacy_console_getchar, any_function);
        check_value("legacy console_getchar", "-1 without input",
                    static_cast<std::uint64_t>(byte.error), all_ones);
        println("conformance: type L");  // whoever reads this log does
        SbiResult typed;
        eventually([&] {
            typed = call(SbiExtension::legacy_console_getchar, any_function);
            return typed.error != -1;
        });
        check_value("legacy console_getchar", "what was typed",
                    static_cast<std::uint64_t>(typed.error), 'L');
    }
    send_to_self_and_clear();
    check_fences();
    const SbiResult probed =
        call(SbiExtension::base, SbiBase::probe_extension, SbiExtension::legacy_shutdown);
    check_success("BASE probe_extension", "legacy shutdown", probed);  // called last, if at all
}

}  // namespace cairn::guest::conformance
