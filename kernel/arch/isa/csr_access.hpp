// SPDX-License-Identifier: MIT
// Access to CSRs by name: `csr_read<Csr::scause>()`. Impure: target only; pure files take values.
// Writers are ordered against memory accesses by the compiler, so that a page table is stored
// before the CSR that turns it on; fences for the hart are the caller's.
#pragma once

#include <cstdint>

#include "kernel/arch/isa/csr.hpp"

namespace cairn {

template <Csr csr>
[[nodiscard]] inline std::uint64_t csr_read() {
    std::uint64_t value;
    asm volatile("csrr %0, %1" : "=r"(value) : "i"(static_cast<int>(csr)));
    return value;
}

template <Csr csr>
inline void csr_write(std::uint64_t value) {
    asm volatile("csrw %0, %1" : : "i"(static_cast<int>(csr)), "rK"(value) : "memory");
}

/// Writes `value` and returns what was there.
template <Csr csr>
inline std::uint64_t csr_swap(std::uint64_t value) {
    std::uint64_t old;
    asm volatile("csrrw %0, %1, %2"
                 : "=r"(old)
                 : "i"(static_cast<int>(csr)), "rK"(value)
                 : "memory");
    return old;
}

/// Sets the bits of `mask`.
template <Csr csr>
inline void csr_set(std::uint64_t mask) {
    asm volatile("csrs %0, %1" : : "i"(static_cast<int>(csr)), "rK"(mask) : "memory");
}

/// Clears the bits of `mask`.
template <Csr csr>
inline void csr_clear(std::uint64_t mask) {
    asm volatile("csrc %0, %1" : : "i"(static_cast<int>(csr)), "rK"(mask) : "memory");
}

/// Sets the bits of `mask` and returns the whole old value.
template <Csr csr>
inline std::uint64_t csr_fetch_set(std::uint64_t mask) {
    std::uint64_t old;
    asm volatile("csrrs %0, %1, %2"
                 : "=r"(old)
                 : "i"(static_cast<int>(csr)), "rK"(mask)
                 : "memory");
    return old;
}

/// Clears the bits of `mask` and returns the whole old value.
template <Csr csr>
inline std::uint64_t csr_fetch_clear(std::uint64_t mask) {
    std::uint64_t old;
    asm volatile("csrrc %0, %1, %2"
                 : "=r"(old)
                 : "i"(static_cast<int>(csr)), "rK"(mask)
                 : "memory");
    return old;
}

}  // namespace cairn
