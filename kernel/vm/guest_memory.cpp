// SPDX-License-Identifier: MIT
#include "kernel/vm/guest_memory.hpp"

namespace cairn {

std::expected<std::span<std::byte>, GuestMemoryError> GuestMemory::bytes(GuestPhys at,
                                                                         std::uint64_t size) const {
    if (!range().contains(at, size)) return std::unexpected(GuestMemoryError::out_of_range);
    return bytes_.subspan(at - base_, size);
}

std::expected<void, GuestMemoryError> GuestMemory::copy_in(GuestPhys to,
                                                           std::span<const std::byte> from) const {
    const auto target = bytes(to, from.size());
    if (!target) return std::unexpected(target.error());
    if (!from.empty()) std::memmove(target->data(), from.data(), from.size());
    return {};
}

std::expected<void, GuestMemoryError> GuestMemory::copy_out(GuestPhys from,
                                                            std::span<std::byte> to) const {
    const auto source = bytes(from, to.size());
    if (!source) return std::unexpected(source.error());
    if (!to.empty()) std::memmove(to.data(), source->data(), to.size());
    return {};
}

std::expected<void, GuestMemoryError> GuestMemory::fill(GuestPhys at, std::uint64_t size,
                                                        std::byte value) const {
    const auto target = bytes(at, size);
    if (!target) return std::unexpected(target.error());
    if (size != 0) std::memset(target->data(), std::to_integer<int>(value), size);
    return {};
}

}  // namespace cairn
