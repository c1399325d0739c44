// SPDX-License-Identifier: MIT
// What a wrapper writes in front of a block, so that it knows the block again and sees whether
// somebody else wrote there.
//
//     | padding |  seal | contents | canary |  block ...
//                                           ^ at the block's alignment
//
// The seal is a sum over the contents and where they lie: a change of one word always shows, and a
// wrong seal stays wrong when contents are changed rightly. The canary says whether the block is
// live or freed. Neither is right by chance, so nothing of a header that was overwritten is
// followed, and what is wrong can be told apart:
//
//     seal   canary   the block
//     right  live     is fine
//     any    freed    came back already
//     right  wrong    was written before its start
//     wrong  live     has a damaged header
//     wrong  wrong    is none
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <type_traits>

#include "cairn/base/mix64.hpp"
#include "cairn/heap_fault.hpp"
#include "cairn/layout.hpp"

namespace cairn {

namespace seal_detail {

/// Contents, seen as words.
using Word [[gnu::may_alias]] = std::uint64_t;

/// What the seal of a header at `at` starts from.
[[nodiscard]] std::uint64_t seal_of(const void* at);
/// What contents add to it: each word by an odd factor of its own, so that no change of one word
/// adds nothing.
[[nodiscard]] constexpr std::uint64_t weight_of(const Word* contents, std::size_t count) {
    std::uint64_t sum = 0;
    std::uint64_t factor = golden_step;
    for (std::size_t i = 0; i < count; ++i) {
        sum += contents[i] * factor;
        factor += 2 * golden_step;
    }
    return sum;
}
/// The canary of a header at `at` of a live or of a freed block.
[[nodiscard]] std::uint64_t canary_of(const void* at, bool live);
[[nodiscard]] std::optional<HeapFaultKind> fault_of(const void* at, bool seal_is_right,
                                                    std::uint64_t canary);

}  // namespace seal_detail

template <class Contents>
    requires(std::has_unique_object_representations_v<Contents> && alignof(Contents) == 8 &&
             sizeof(Contents) % 16 == 0)
class SealedHeader {
  public:
    /// Bytes between where the allocator's block starts and where the user's does: whole
    /// alignments, as a header of 32-bit machines has 48 bytes.
    [[nodiscard]] static constexpr std::size_t front(std::size_t alignment) {
        return std::max(sizeof(SealedHeader), (sizeof(SealedHeader) + alignment - 1) & -alignment);
    }
    [[nodiscard]] static SealedHeader& before(std::byte* block) {
        return *reinterpret_cast<SealedHeader*>(block - sizeof(SealedHeader));
    }
    [[nodiscard]] static const SealedHeader& before(const std::byte* block) {
        return *reinterpret_cast<const SealedHeader*>(block - sizeof(SealedHeader));
    }
    [[nodiscard]] std::byte* block() { return reinterpret_cast<std::byte*>(this + 1); }
    [[nodiscard]] const std::byte* block() const {
        return reinterpret_cast<const std::byte*>(this + 1);
    }

    /// Makes a block live; the header's memory was the allocator's until now.
    static SealedHeader& open(std::byte* block, const Contents& contents) {
        return *std::construct_at(&before(block), contents);
    }
    /// Freed from now on, for as long as nobody else writes here.
    void close() { canary_ = seal_detail::canary_of(this, false); }

    [[nodiscard]] const Contents& contents() const { return contents_; }
    /// Calls `function(Contents&)` and seals what it leaves; what was damaged stays so.
    template <class Function>
    void change(Function&& function) {
        const std::uint64_t before = weight();
        function(contents_);
        seal_ += weight() - before;
    }

    /// Why this is not the header of a live block; nothing if it is.
    [[nodiscard]] std::optional<HeapFaultKind> fault() const {
        return seal_detail::fault_of(this, seal_is_right(), canary_);
    }
    [[nodiscard]] bool seal_is_right() const { return seal_ == right_seal(); }
    /// Whether this is the header of a freed block, and whole.
    [[nodiscard]] bool is_of_freed() const {
        return canary_ == seal_detail::canary_of(this, false) && seal_is_right();
    }

    explicit SealedHeader(const Contents& contents)
        : seal_(0), contents_(contents), canary_(seal_detail::canary_of(this, true)) {
        seal_ = right_seal();
    }

  private:
    [[nodiscard]] std::uint64_t right_seal() const { return seal_detail::seal_of(this) + weight(); }
    [[nodiscard]] std::uint64_t weight() const {
        constexpr std::size_t count = sizeof(Contents) / sizeof(seal_detail::Word);
        const auto* const words = reinterpret_cast<const seal_detail::Word*>(&contents_);
        return seal_detail::weight_of(words, count);
    }

    std::uint64_t seal_;
    Contents contents_;
    std::uint64_t canary_;
};

}  // namespace cairn
