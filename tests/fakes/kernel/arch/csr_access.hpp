// SPDX-License-Identifier: MIT
// Stands in for kernel/arch/csr_access.hpp in host tests: every CSR is a plain 64-bit cell.
#pragma once

#include <array>
#include <cstdint>

#include "kernel/arch/csr.hpp"

namespace cairn {

inline std::array<std::uint64_t, 4096> fake_csrs{};

template <Csr csr>
[[nodiscard]] inline std::uint64_t csr_read() {
    return fake_csrs[static_cast<std::size_t>(csr)];
}
template <Csr csr>
inline std::uint64_t csr_swap(std::uint64_t value) {
    std::uint64_t& cell = fake_csrs[static_cast<std::size_t>(csr)];
    const std::uint64_t old = cell;
    cell = value;
    return old;
}
template <Csr csr>
inline void csr_write(std::uint64_t value) {
    csr_swap<csr>(value);
}
template <Csr csr>
inline void csr_set(std::uint64_t mask) {
    csr_swap<csr>(csr_read<csr>() | mask);
}
template <Csr csr>
inline void csr_clear(std::uint64_t mask) {
    csr_swap<csr>(csr_read<csr>() & ~mask);
}
template <Csr csr>
inline std::uint64_t csr_fetch_set(std::uint64_t mask) {
    return csr_swap<csr>(csr_read<csr>() | mask);
}
template <Csr csr>
inline std::uint64_t csr_fetch_clear(std::uint64_t mask) {
    return csr_swap<csr>(csr_read<csr>() & ~mask);
}

}  // namespace cairn
