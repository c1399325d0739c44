// SPDX-License-Identifier: MIT
// Stands in for kernel/arch/isa/csr_access.hpp in host tests: every CSR is a plain 64-bit cell,
// but for those that the hart has not got. Each thread is a hart with CSRs of its own.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>

#include "kernel/arch/isa/csr.hpp"
#include "kernel/arch/start/guarded_call.hpp"

namespace cairn {

inline thread_local std::array<std::uint64_t, 4096> fake_csrs{};
inline thread_local std::bitset<4096> fake_absent_csrs;  ///< accesses to these trap
/// Bits that stay 0 when they are written, by CSR.
inline thread_local std::array<std::uint64_t, 4096> fake_wired_to_zero{};
/// What other harts do just before a CSR is read, set, cleared or written.
inline thread_local void (*fake_csr_access)() = [] {};

inline std::uint64_t& fake_csr(Csr csr) {
    const auto number = static_cast<std::size_t>(csr);
    if (fake_absent_csrs[number]) fake_trap();
    return fake_csrs[number];
}

template <Csr csr>
[[nodiscard]] inline std::uint64_t csr_read() {
    fake_csr_access();
    return fake_csr(csr);
}
template <Csr csr>
inline std::uint64_t csr_swap(std::uint64_t value) {
    std::uint64_t& cell = fake_csr(csr);
    const std::uint64_t old = cell;
    cell = value & ~fake_wired_to_zero[static_cast<std::size_t>(csr)];
    return old;
}
template <Csr csr>
inline void csr_write(std::uint64_t value) {
    fake_csr_access();
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
