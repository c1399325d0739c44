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
//      | guard | padding | header |  block                | redzone | guard ... |
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "cairn/base/language.hpp"
#include "cairn/heap/wrapper/sealed_header.hpp"
#include "cairn/heap_fault.hpp"
#include "cairn/layout.hpp"
#include "cairn/region.hpp"

namespace cairn {

/// What is known of a block, in front of it. As long on every machine as its words are.
struct HardenedBlock {
    std::byte* span = nullptr;   ///< what the allocator below gave
    std::byte* older = nullptr;  ///< the neighbours in the list of live blocks
    std::byte* newer = nullptr;
    std::size_t size = 0;             ///< of the block itself
    std::uint64_t total = 0;          ///< of the span
    std::uint32_t guard = 0;          ///< bytes at each end of the span that cannot be touched
    std::uint8_t span_alignment = 0;  ///< as a power of two
    std::uint8_t alignment = 0;       ///< the same of the block
    std::uint8_t mark = 0;            ///< its user's own
    std::uint8_t unused = 0;

    [[nodiscard]] std::size_t span_size() const { return static_cast<std::size_t>(total); }
    [[nodiscard]] Layout whole() const { return {span_size(), std::size_t{1} << span_alignment}; }
    [[nodiscard]] Layout layout() const { return {size, std::size_t{1} << alignment}; }
    /// The ground before the header and behind the block.
    [[nodiscard]] Region padding(const std::byte* block) const;
    [[nodiscard]] Region redzone(const std::byte* block) const;
    /// Of a block between guard pages: the pages after the one that it ends in. None can be
    /// touched.
    [[nodiscard]] Region last_pages(const std::byte* block) const;
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

/// Of a block between guard pages: how much of it lies in the page of its header, and the pages
/// after that one, to the span's end.
[[nodiscard]] std::size_t before_pages(const std::byte* block);
[[nodiscard]] Region later_pages(std::byte* block);
/// The pages that are the block's alone; maybe none.
[[nodiscard]] Region own_pages(std::byte* block);

/// Writes the header and the redzones; the block is filled apart.
void set_up(std::byte* block, const HardenedBlock& contents);

/// Why `block` is not one that is live and has the layout `claimed` (nothing: any), by its header.
[[nodiscard]] std::optional<HeapFault> judge(const std::byte* block, std::optional<Layout> claimed);

/// What was written around a block with a right header; nothing if nothing was.
[[nodiscard]] std::optional<HeapFaultKind> damage_around(const std::byte* block);
/// The same, or what is wrong with its header.
[[nodiscard]] std::optional<HeapFaultKind> damage(const std::byte* block);

/// The header says freed from now on; the block is filled apart.
void close(std::byte* block);
/// Writes to all of the block but `kept`, a part of it.
void fill(std::byte* block, std::byte value, Region kept = {});
/// Whether nobody has written to it since then: not to the first `most` bytes, and, where that is
/// all of them, not around it.
[[nodiscard]] bool is_untouched(const std::byte* block, std::byte freed,
                                std::size_t most = SIZE_MAX);

/// The same of the `most` first bytes of one whose later pages cannot be touched, as far as those.
[[nodiscard]] bool is_hidden_untouched(const std::byte* block, std::byte freed, std::size_t most);

/// What may lie unused behind a block without guard pages that has shrunk.
inline constexpr std::size_t most_cut_off = 4096;

/// Changes the size in place, if the span has room, and not too much of it; `fresh` bytes are
/// added. Between guard pages, its pages up to the new end can be touched, and others are the
/// caller's to hide.
[[nodiscard]] bool resize(std::byte* block, std::size_t new_size, std::byte fresh);

// The list of live blocks, through their headers: from the newest to the oldest.

/// Puts a block at the front, whose `older` is `newest` already.
void link(std::byte*& newest, std::byte* block);
/// Takes one with a right header out.
void unlink(std::byte*& newest, std::byte* block);

}  // namespace hardened
}  // namespace cairn
