// SPDX-License-Identifier: MIT
// A block with ground around it that nobody may write to: where everything lies, and whether it is
// as it should be. Hardened (lib/cairn/hardened.hpp) makes and ends such blocks.
//
//     span                                                             span + total
//      | padding | header |  block: `size` bytes       | redzone ...  |
//      |  0xfd   | sealed |  0xcd when new, then yours | 0xfd         |
//                          0xdd when freed
//
//     with guard pages, where no access is possible; the block ends as close to one as it can
//      | guard | padding | header |  block                | redzone | guard |
#pragma once

#include <cstddef>
#include <expected>
#include <optional>

#include "cairn/heap/wrapper/sealed_header.hpp"
#include "cairn/heap_fault.hpp"
#include "cairn/layout.hpp"
#include "cairn/region.hpp"

namespace cairn {

/// What is known of a block, in front of it.
struct HardenedBlock {
    std::byte* span = nullptr;       ///< what the allocator below gave,
    std::size_t total = 0;           ///< how much of it,
    std::size_t span_alignment = 0;  ///< and how aligned
    std::size_t size = 0;            ///< of the block itself
    // 64 bits, so that these are whole 16 bytes on every machine.
    std::uint64_t alignment = 0;
    std::uint64_t guard = 0;  ///< bytes at each end of the span that cannot be touched

    [[nodiscard]] Layout whole() const { return {total, span_alignment}; }
    [[nodiscard]] std::size_t guard_size() const { return static_cast<std::size_t>(guard); }
    /// The ground before the header and behind the block.
    [[nodiscard]] Region padding(const std::byte* block) const;
    [[nodiscard]] Region redzone(const std::byte* block) const;
};

namespace hardened {

using Header = SealedHeader<HardenedBlock>;

/// Behind every block that has no guard page, at least.
inline constexpr std::size_t least_redzone = 32;
inline constexpr std::byte untouchable{0xfd};

/// A block of `layout` between guard pages of `page` bytes; 0: without. Its span is to come.
[[nodiscard]] std::expected<HardenedBlock, AllocError> plan(Layout layout, std::size_t page);

/// Where the block lies in its span.
[[nodiscard]] std::byte* place(const HardenedBlock& planned);

/// Writes the header and the redzones, and `fresh` bytes into the block.
void set_up(std::byte* block, const HardenedBlock& contents, std::byte fresh);

/// Why `block` is not one that is live and has the layout `claimed` (nothing: any), by its header.
[[nodiscard]] std::optional<HeapFault> judge(const std::byte* block, std::optional<Layout> claimed);

/// What was written around a block with a right header; nothing if nothing was.
[[nodiscard]] std::optional<HeapFaultKind> damage_around(const std::byte* block);

/// The header says freed from now on; the block is filled apart.
void close(std::byte* block);
void fill(std::byte* block, std::byte freed);
/// Whether nobody has written to it, or around it, since then.
[[nodiscard]] bool is_untouched(const std::byte* block, std::byte freed);

/// Changes the size in place, if the span has room; `fresh` bytes are added.
[[nodiscard]] bool resize(std::byte* block, std::size_t new_size, std::byte fresh);

}  // namespace hardened
}  // namespace cairn
