// SPDX-License-Identifier: MIT
// What a TlsfArena knows of its memory: the window, the rings of free blocks, the list of chunks.
// And those who look at all of it: statistics, the walker, and the judge who says what is wrong
// with a block that the arena would not take back.
//
//     occupied  ...0010001        chunk  [ used | free | used | used | free        | edge ]
//                  │   └─ bin 0 ──────────────────►▲
//                  └───── bin 4 ──────────────────────────────────────►▲
//
// They trust nothing that lies between users' bytes: a header or a link that makes no sense is
// reported, not followed. No locking: the arena's owner holds its lock.
#pragma once

#include <algorithm>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>

#include "cairn/heap/store/size_bins.hpp"
#include "cairn/heap/store/tlsf_block.hpp"
#include "cairn/heap_fault.hpp"
#include "cairn/region.hpp"

namespace cairn {

class TlsfStore {
  public:
    using Bins = SizeBins<5>;

    /// The head of a bin's ring, and the bin's bit; not the last bin's, which stays. Before each of
    /// them lie eight bytes of zero, as where a block has its header, and each lies where a block
    /// may, whatever a pointer's size.
    struct [[gnu::may_alias]] Bin {
        alignas(tlsf::grain) tlsf::Links ring;
        alignas(tlsf::grain) std::uint64_t mask;
        std::uint64_t zero;
    };
    static_assert(sizeof(Bin) == 2 * tlsf::grain);
    /// What `init` needs: links lead to the heads too, so these lie in the window.
    static constexpr std::size_t metadata_size = tlsf::grain + Bins::count * sizeof(Bin);

    constexpr TlsfStore() = default;
    TlsfStore(const TlsfStore&) = delete;
    TlsfStore& operator=(const TlsfStore&) = delete;

    /// Starts without a chunk. All chunks and the metadata (metadata_size bytes, aligned to 16) lie
    /// in `window` (at most 64 GiB); both outlive the store.
    void init(const FaultReporter& report, Region window, std::byte* metadata);

    /// What the user of a block, or the cache that it is in, may use. Needs no lock: nobody else
    /// changes it.
    [[nodiscard]] static std::size_t usable_size(const std::byte* block) {
        return ((tlsf::header(block)->length() + tlsf::cached) & ~(tlsf::grain - 1)) -
               tlsf::header_size;
    }

    /// The bytes in free blocks: all together, and the most in one. By looking at every one.
    struct Free {
        std::size_t total = 0;
        std::size_t largest = 0;
    };
    [[nodiscard]] Free count_free() const;
    [[nodiscard]] std::size_t free_bytes() const { return count_free().total; }
    [[nodiscard]] std::size_t largest_free() const { return count_free().largest; }
    /// Calls `visit(from, to)` for what lies in free blocks of `least` bytes or more and is not
    /// needed: all but their links and lengths.
    template <std::invocable<std::byte*, std::byte*> Visitor>
    void for_each_free_space(std::size_t least, Visitor visit) const;
    /// Calls `visit(block, tlsf::View)` for each block in turn. A chunk ends early where a header
    /// is damaged; returns such a place, or nullptr.
    template <std::invocable<std::byte*, tlsf::View> Visitor>
    const std::byte* for_each_block(Visitor visit) const {
        const auto call = [](void* visitor, std::byte* block, tlsf::View seen) {
            (*static_cast<Visitor*>(visitor))(block, seen);
        };
        return walk(call, &visit);
    }
    /// Walks everything; each thing that is wrong is reported. Whether nothing was.
    bool check() const;
    /// Reports `kind` of a used block, or what else is wrong with `block`.
    void refuse(std::byte* block, HeapFaultKind kind) const;

  protected:
    /// What the arena's quick paths keep in registers, as no store to a block changes it.
    struct State {
        std::uintptr_t origin = 0;   ///< the first place: one grain behind the window's start
        std::uintptr_t places = 0;   ///< how many there are, a grain apart
        std::uintptr_t bins = 0;     ///< where bin `Bins::first` would be
        std::size_t quick = 0;       ///< requests below this may be served without a search
        std::uint64_t occupied = 0;  ///< a bit for every bin that has members, and for the last

        /// The bin whose number is `relative` more than Bins::first.
        [[nodiscard]] Bin* bin(std::ptrdiff_t relative) const {
            return reinterpret_cast<Bin*>(bins +
                                          static_cast<std::uintptr_t>(relative) * sizeof(Bin));
        }
        [[nodiscard]] std::uintptr_t limit() const { return origin + places * tlsf::grain; }
        /// Whether a block or a link may be there: in the window, and aligned.
        [[nodiscard]] bool is_place(const void* pointer) const { return place(pointer) < places; }
        [[nodiscard]] bool are_places(const void* one, const void* other) const {
            if constexpr (counts_zeros) return std::max(place(one), place(other)) < places;
            return is_place(one) && is_place(other);
        }

      private:
        /// In grains from the origin; far outside if it is before that, or not aligned.
        [[nodiscard]] std::uintptr_t place(const void* pointer) const {
            return std::rotr(tlsf::address(pointer) - origin, std::countr_zero(tlsf::grain));
        }
    };
    [[nodiscard]] static unsigned bin_of(std::size_t length) {
        static_assert(Bins::smallest == 4 << 3);
        return size_bin(length >> 3);
    }
    void add_to_list(const std::byte* chunk_base);
    /// False, reported and nothing done, where the chunk is not found.
    bool remove_from_list(const std::byte* chunk_base);

    [[nodiscard]] bool is_place(const void* pointer) const { return state_.is_place(pointer); }
    [[nodiscard]] bool is_in_window(const void* pointer) const {
        return tlsf::address(pointer) - state_.origin < state_.places * tlsf::grain;
    }
    [[nodiscard]] bool is_sound(const std::byte* block, tlsf::View seen) const;
    [[nodiscard]] bool is_free(const std::byte* block) const;
    [[nodiscard]] bool is_taken(const std::byte* block) const;
    [[nodiscard]] bool is_linked(const tlsf::Links* node) const;
    [[nodiscard]] bool is_filed(tlsf::Links* node) const;
    void report(HeapFaultKind kind, const std::byte* block) const;
    /// Reports what made the arena refuse `block`, if that is still so.
    void diagnose(std::byte* block) const;

    [[nodiscard]] Bin& bin(unsigned number) const {
        return *state_.bin(static_cast<std::ptrdiff_t>(number) - Bins::first);
    }

    State state_;

  private:
    static constexpr std::uint64_t last_bin = std::uint64_t{1} << (Bins::count - 1);
    static constexpr std::uint32_t no_chunk = UINT32_MAX;
    /// Chunks are known by their place, in grains from the window's base. Each names its neighbours
    /// in the list where it begins: there is room, as its first block's header lies eight bytes
    /// further on.
    [[nodiscard]] std::byte* first_block(std::uint32_t chunk) const {
        return reinterpret_cast<std::byte*>(state_.origin + std::size_t{chunk} * tlsf::grain);
    }
    [[nodiscard]] tlsf::ChunkLinks* chunk_links(std::uint32_t chunk) const {
        return reinterpret_cast<tlsf::ChunkLinks*>(first_block(chunk) - tlsf::grain);
    }
    [[nodiscard]] std::uint32_t place_of(const std::byte* chunk_base) const {
        return static_cast<std::uint32_t>(
            (tlsf::address(chunk_base) + tlsf::grain - state_.origin) / tlsf::grain);
    }
    [[nodiscard]] bool is_chunk(std::uint32_t chunk) const { return chunk < state_.places; }
    /// There are no more of them, unless a link leads back.
    [[nodiscard]] std::size_t most_chunks() const {
        return state_.places / (tlsf::smallest_block / tlsf::grain + 1) + 1;
    }

    struct Finding {
        HeapFaultKind kind;
        const std::byte* place;
    };
    using Visit = void (*)(void* context, std::byte* block, tlsf::View seen);

    const std::byte* walk(Visit visit, void* context) const;
    [[nodiscard]] Finding examine(std::byte* block) const;
    [[nodiscard]] HeapFaultKind judge(const std::byte* place) const;
    bool check_blocks(std::size_t& free_count) const;
    bool check_bins(std::size_t free_count) const;

    std::uint32_t chunks_ = no_chunk;
    const FaultReporter* report_ = nullptr;
};

template <std::invocable<std::byte*, std::byte*> Visitor>
void TlsfStore::for_each_free_space(std::size_t least, Visitor visit) const {
    for (unsigned i = bin_of(least); state_.bins != 0 && i < Bins::count; ++i) {
        tlsf::Links* const head = &bin(i).ring;
        for (tlsf::Links* node = head->next; node != head; node = node->next) {
            std::byte* const block = tlsf::block_of(node);
            if (!is_filed(node)) break;
            const std::size_t length = tlsf::header(block)->length();
            if (length >= least) visit(block + sizeof(tlsf::Links), block + length - tlsf::grain);
        }
    }
}

}  // namespace cairn
