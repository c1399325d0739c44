// SPDX-License-Identifier: MIT
// Calls into the firmware below Cairn: SBI specification, "Binary Encoding": extension in a7,
// function in a6, up to six arguments, error and value back in a0 and a1; every other register is
// preserved. Impure: target only.
#pragma once

#include <cstdint>

#include "kernel/arch/firmware/sbi.hpp"

namespace cairn {

/// One SBI call with raw numbers; the enums of kernel/arch/firmware/sbi.hpp fit through the
/// overload below.
inline SbiResult sbi_call_raw(std::uint64_t extension, std::uint64_t function,
                              std::uint64_t argument0 = 0, std::uint64_t argument1 = 0,
                              std::uint64_t argument2 = 0, std::uint64_t argument3 = 0,
                              std::uint64_t argument4 = 0, std::uint64_t argument5 = 0) {
    register std::uint64_t a0 asm("a0") = argument0;
    register std::uint64_t a1 asm("a1") = argument1;
    register std::uint64_t a2 asm("a2") = argument2;
    register std::uint64_t a3 asm("a3") = argument3;
    register std::uint64_t a4 asm("a4") = argument4;
    register std::uint64_t a5 asm("a5") = argument5;
    register std::uint64_t a6 asm("a6") = function;
    register std::uint64_t a7 asm("a7") = extension;
    asm volatile("ecall"
                 : "+r"(a0), "+r"(a1)
                 : "r"(a2), "r"(a3), "r"(a4), "r"(a5), "r"(a6), "r"(a7)
                 : "memory");
    return {static_cast<long>(a0), a1};
}

/// `sbi_call(SbiExtension::hsm, SbiHsm::hart_start, hart, address, opaque)`.
template <class Function, class... Arguments>
SbiResult sbi_call(SbiExtension extension, Function function, Arguments... arguments) {
    static_assert(sizeof...(Arguments) <= 6);
    return sbi_call_raw(static_cast<std::uint64_t>(extension), static_cast<std::uint64_t>(function),
                        static_cast<std::uint64_t>(arguments)...);
}

/// Whether the firmware has `extension`.
[[nodiscard]] inline bool sbi_has(SbiExtension extension) {
    const SbiResult probed = sbi_call(SbiExtension::base, SbiBase::probe_extension,
                                      static_cast<std::uint64_t>(extension));
    return probed.ok() && probed.value != 0;
}

/// "Legacy Extensions": deprecated, but all that firmware of SBI 1.0 has for a console.
inline void sbi_legacy_putchar(char character) {
    sbi_call_raw(static_cast<std::uint64_t>(SbiExtension::legacy_console_putchar), 0,
                 static_cast<unsigned char>(character));
}

/// The next character of the console (0 to 255), or a negative number when there is none.
[[nodiscard]] inline long sbi_legacy_getchar() {
    return sbi_call_raw(static_cast<std::uint64_t>(SbiExtension::legacy_console_getchar), 0).error;
}

}  // namespace cairn
