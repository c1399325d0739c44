// SPDX-License-Identifier: MIT
#include "kernel/vm/memory/guest_memory.hpp"

#include <algorithm>

namespace cairn {

std::expected<std::span<std::byte>, GuestMemoryError> GuestMemory::piece(GuestPhys at,
                                                                         std::uint64_t size,
                                                                         RamUse use) const {
    if (!holds(at, size)) return std::unexpected(GuestMemoryError::out_of_range);
    if (backing_ == nullptr) return std::span(bytes_ + (at - range_.base), size);
    if (size == 0) return std::span<std::byte>{};
    const auto found = backing_->piece({at, size}, use);
    if (found.empty()) return std::unexpected(GuestMemoryError::unavailable);
    return found;
}

std::expected<std::span<std::byte>, GuestMemoryError> GuestMemory::bytes(GuestPhys at,
                                                                         std::uint64_t size) const {
    const auto found = piece(at, size);
    if (found && found->size() != size) return std::unexpected(GuestMemoryError::out_of_range);
    return found;
}

template <class Visitor>
std::expected<void, GuestMemoryError> GuestMemory::for_each_piece(GuestPhys at, std::uint64_t size,
                                                                  RamUse use, Visitor visit) const {
    if (!holds(at, size)) return std::unexpected(GuestMemoryError::out_of_range);
    const RamHold held = hold();
    for (std::uint64_t done = 0; done < size;) {
        const auto found = piece(at + done, size - done, use);
        if (!found) return std::unexpected(found.error());
        visit(*found, done);
        done += found->size();
    }
    return {};
}

std::expected<void, GuestMemoryError> GuestMemory::copy_in(GuestPhys to,
                                                           std::span<const std::byte> from) const {
    return for_each_piece(to, from.size(), RamUse::overwrite_all,
                          [&](std::span<std::byte> piece, std::uint64_t offset) {
                              std::memmove(piece.data(), from.data() + offset, piece.size());
                          });
}

std::expected<std::uint64_t, GuestMemoryError> GuestMemory::place(
    GuestPhys to, std::span<const std::byte> from) const {
    constexpr std::size_t most_shown = 16 << 20;
    constexpr std::size_t most_copied = 128 << 10;
    if (!holds(to, from.size())) return std::unexpected(GuestMemoryError::out_of_range);
    const auto to_show = from.first(std::min(from.size(), most_shown));
    const std::uint64_t shown = backing_ == nullptr ? 0 : backing_->show(to, to_show);
    if (shown != 0) return shown;
    const auto to_copy = from.first(std::min(from.size(), most_copied));
    if (const auto copied = copy_in(to, to_copy); !copied) return std::unexpected(copied.error());
    return to_copy.size();
}

std::expected<void, GuestMemoryError> GuestMemory::copy_out(GuestPhys from,
                                                            std::span<std::byte> to) const {
    return for_each_piece(from, to.size(), RamUse::access,
                          [&](std::span<std::byte> piece, std::uint64_t offset) {
                              std::memmove(to.data() + offset, piece.data(), piece.size());
                          });
}

std::expected<void, GuestMemoryError> GuestMemory::fill(GuestPhys at, std::uint64_t size,
                                                        std::byte value) const {
    return for_each_piece(at, size, RamUse::overwrite_all,
                          [&](std::span<std::byte> piece, std::uint64_t) {
                              std::memset(piece.data(), std::to_integer<int>(value), piece.size());
                          });
}

}  // namespace cairn
