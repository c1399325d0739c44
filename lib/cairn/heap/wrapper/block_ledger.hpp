// SPDX-License-Identifier: MIT
// Who has which blocks: a list through the headers of all live blocks
// (lib/cairn/heap/wrapper/sealed_header.hpp), and sums per owner. Tracking (lib/cairn/tracking.hpp)
// writes it.
//
//     ledger  tags_   -> "vm0" -> "loader"                   an owner has a BlockTag
//             newest_ -> block 17 <-> block 12 <-> block 3   a block knows its tag
//
// Thread-safe: one spinlock around the list and the sums, a leaf of the lock order, held for a few
// header accesses; by `report` for as long as it writes. Owns neither tags nor blocks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "cairn/heap/wrapper/sealed_header.hpp"
#include "cairn/heap_fault.hpp"
#include "cairn/layout.hpp"
#include "cairn/spinlock.hpp"
#include "cairn/writer.hpp"

namespace cairn {

struct BlockCounts {
    std::size_t live_blocks = 0;
    std::size_t live_bytes = 0;
    std::size_t peak_bytes = 0;  ///< the most that were ever live
    std::uint64_t ever_blocks = 0;

    bool operator==(const BlockCounts&) const = default;
};

/// An owner of blocks. In a ledger between `add` and `remove`, and guarded by it then.
struct BlockTag {
    std::string_view name;
    BlockCounts counts;
    BlockTag* next = nullptr;
};

/// What stands in front of a tracked block. Neighbours of the list are named by their blocks.
struct TrackedBlock {
    std::byte* older = nullptr;
    std::byte* newer = nullptr;
    BlockTag* tag = nullptr;
    std::size_t size = 0;
    // 64 bits, so that these are whole 16 bytes on every machine.
    std::uint64_t alignment = 0;
    std::uint64_t number = 0;  ///< blocks are counted from 1, in the order of their allocation
};

class BlockLedger {
  public:
    using Header = SealedHeader<TrackedBlock>;

    /// `name` outlives the ledger; it is named in faults where no owner can be.
    constexpr explicit BlockLedger(std::string_view name, FaultHook hook = {})
        : name_(name), hook_(hook) {}
    BlockLedger(const BlockLedger&) = delete;
    BlockLedger& operator=(const BlockLedger&) = delete;

    void add(BlockTag& tag);
    /// Blocks that it still has are those of "owners that have ended" from now on.
    void remove(BlockTag& tag);

    /// Writes the header of a new block.
    void enter(std::byte* block, Layout layout, BlockTag& tag);
    /// The layout of a live block that is given back with `claimed` (nothing: with its address
    /// alone); nothing where that is wrong, which the hook hears.
    [[nodiscard]] std::optional<Layout> find(const std::byte* block, std::optional<Layout> claimed);
    /// As above, and takes the block out.
    [[nodiscard]] std::optional<Layout> leave(std::byte* block, std::optional<Layout> claimed);
    /// Of a block that was found.
    void resize(std::byte* block, std::size_t new_size);
    /// For what the allocator below knows of an address.
    void report_fault(HeapFaultKind kind, const void* address) const;

    [[nodiscard]] BlockCounts counts(const BlockTag& tag) const;
    [[nodiscard]] BlockCounts counts() const;

    /// What every owner has, and of each at most `blocks` of its live blocks, the newest first: a
    /// leak report, where nothing should be live any more. Callable from a panic: it does not wait
    /// for long.
    ///
    ///     ledger 'kernel': 3 blocks, 168 bytes live; 200 bytes at most, 9 blocks ever
    ///       vm0: 2 blocks, 120 bytes live; 120 bytes at most, 2 blocks ever
    ///         block 9 at 0x80401040: 100 bytes
    ///         block 4 at 0x80400fc0: 20 bytes
    ///       loader: 1 block, ...
    void report(Writer& writer, std::size_t blocks = 0) const;

  private:
    struct Judgement {
        std::optional<HeapFault> fault;
        Layout layout;
    };

    [[nodiscard]] Judgement judge(const std::byte* block, std::optional<Layout> claimed) const
        CAIRN_REQUIRES(lock_);
    [[nodiscard]] bool knows(const BlockTag* tag) const CAIRN_REQUIRES(lock_);
    void unlink(const TrackedBlock& entry) CAIRN_REQUIRES(lock_);
    void write_report(Writer& writer, std::size_t blocks) const CAIRN_REQUIRES(lock_);
    void write_tag(Writer& writer, const BlockTag& tag, std::size_t blocks) const
        CAIRN_REQUIRES(lock_);

    mutable Spinlock lock_;
    std::string_view name_;
    FaultHook hook_;
    BlockTag* tags_ CAIRN_GUARDED_BY(lock_) = nullptr;
    std::byte* newest_ CAIRN_GUARDED_BY(lock_) = nullptr;
    BlockTag ended_ CAIRN_GUARDED_BY(lock_){"owners that have ended", {}};
    BlockCounts all_ CAIRN_GUARDED_BY(lock_);
};

}  // namespace cairn
