// SPDX-License-Identifier: MIT
// A guest's RAM as Cairn reads and writes it: the one place where a guest's physical address
// becomes bytes of ours. It is one range of guest addresses, without holes, of one or more pieces
// of the machine's memory, which `RamBacking` finds:
//
//     guest   base ├──────────────┼─────────┤ end
//     host          ▲ a piece       ▲ another
//
// Every access is checked against the ends without wrapping, so any 64-bit address and size may be
// asked for. RAM may be given to the guest only when somebody touches it: `RamBacking` is told
// before Cairn does. It may also be taken from the guest: bytes that were found are good for as
// long as a `hold` that began before. Borrows the bytes. No locking: the guest's harts write the
// same memory at any time, so whoever reads a value twice may see two values; copy first, then
// check.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <expected>
#include <span>
#include <type_traits>

#include "kernel/arch/address.hpp"
#include "kernel/vm/memory/debug_points.hpp"
#include "kernel/vm/memory/ram_readers.hpp"

namespace cairn {

enum class GuestMemoryError : std::uint8_t {
    out_of_range,  ///< some byte asked for is not RAM, or, of `bytes`, lies in another piece
    unavailable,   ///< it is RAM, and there is no memory for it or the tables that it needs
};

/// What came of a guest's touching its RAM.
enum class RamTouch : std::uint8_t {
    given,        ///< it is there now
    present,      ///< it was there already: the hart had not seen it yet
    busy,         ///< another hart is at it: touch it again
    patched,      ///< its page has breakpoints or watchpoints (DebugPoints)
    lacking,      ///< the guest has given it back, and nothing is free: busy is what follows
    unavailable,  ///< there is no memory for the tables that it needs
};

/// What Cairn is about to do with RAM. What it overwrites whole may hold anything until it has:
/// that much is written at once only while no hart runs the guest.
enum class RamUse : std::uint8_t { access, overwrite_all };

/// Bytes of RAM that are there, in one piece.
struct RamWindow {
    GuestPhys base{};
    std::span<std::byte> bytes;
};

/// Makes RAM be there where it is not yet; all ranges lie in RAM.
class RamBacking {
  public:
    /// Whether `piece` has nothing to make ready for any of `range`.
    [[nodiscard]] virtual bool is_ready(GuestRange range) const = 0;
    /// Whether that is short: nothing of it has to be zeroed or copied.
    [[nodiscard]] virtual bool is_soon_ready(GuestRange range) const { return is_ready(range); }
    /// Where Cairn reads or writes those bytes of `range`, which has some, that follow its first in
    /// one piece, while it is a reader; none where there is no memory for them.
    [[nodiscard]] virtual std::span<std::byte> piece(GuestRange range, RamUse use) = 0;
    /// All that is ready in one piece about `at`, up to 2 MiB; nothing where that is not ready.
    [[nodiscard]] virtual RamWindow window(GuestPhys at) = 0;
    /// Another one once a window that was found before may be none any more. Asked by a reader, it
    /// holds until that ends.
    [[nodiscard]] std::uint64_t generation() const {
        return generation_.load(std::memory_order_acquire);
    }
    /// When a hart of the guest could not reach `at`.
    [[nodiscard]] virtual RamTouch touch(GuestPhys at) = 0;
    /// Lets the guest see `from`, which outlives it and never changes, at `to` without a copy; what
    /// it writes there goes to RAM. The number of bytes from the first on for which that works.
    [[nodiscard]] virtual std::uint64_t show(GuestPhys to, std::span<const std::byte> from) = 0;
    /// Memory for what the guest reads in the page at `at`, outside RAM: zeros first, and the same
    /// for as long as this lives; nullptr where there is none. The guest sees it once it is shown;
    /// where that fails, the memory has gone back.
    [[nodiscard]] virtual std::uint32_t* register_page(GuestPhys /*at*/) { return nullptr; }
    [[nodiscard]] virtual bool show_register_page(GuestPhys /*at*/) { return false; }
    /// nullptr where a debugger can set none.
    [[nodiscard]] virtual DebugPoints* debug_points() { return nullptr; }
    [[nodiscard]] RamReaders& readers() { return readers_; }

  protected:
    ~RamBacking() = default;
    /// What was ready is not any more. Said behind that, and before `restart` of the readers.
    void begin_generation() { generation_.fetch_add(1, std::memory_order_seq_cst); }

  private:
    RamReaders readers_;
    std::atomic<std::uint64_t> generation_ = 0;
};

class GuestMemory {
  public:
    /// RAM at `base` backed by `bytes`, all there; `base + bytes.size()` does not wrap.
    constexpr GuestMemory(GuestPhys base, std::span<std::byte> bytes)
        : range_{base, bytes.size()}, bytes_(bytes.data()) {}
    /// RAM of which nothing is there but what `backing`, which outlives this, makes so.
    constexpr GuestMemory(GuestRange range, RamBacking& backing)
        : range_(range), backing_(&backing) {}

    [[nodiscard]] constexpr GuestRange range() const { return range_; }
    [[nodiscard]] constexpr bool holds(GuestPhys at, std::uint64_t size) const {
        return range_.contains(at, size);
    }

    /// Whether all of `range`, RAM, is there already.
    [[nodiscard]] bool is_ready(GuestRange range) const {
        return backing_ == nullptr || backing_->is_ready(range);
    }
    /// Whether what is not is made so in short.
    [[nodiscard]] bool is_soon_ready(GuestRange range) const {
        return backing_ == nullptr || backing_->is_soon_ready(range);
    }
    /// For whoever goes to bytes that `piece` and `bytes` have found behind this.
    [[nodiscard]] RamHold hold() const {
        return RamHold(backing_ == nullptr ? nullptr : &backing_->readers());
    }
    /// The same in two steps.
    [[nodiscard]] RamReaders::Side begin_use() const {
        return backing_ == nullptr ? RamReaders::Side{0} : backing_->readers().begin();
    }
    void end_use(RamReaders::Side side) const {
        if (backing_ != nullptr) backing_->readers().end(side);
    }
    /// Those of the `size` bytes at `at`, RAM all of them, that follow `at` in one piece.
    [[nodiscard]] std::expected<std::span<std::byte>, GuestMemoryError> piece(
        GuestPhys at, std::uint64_t size, RamUse use = RamUse::access) const;
    /// As RamBacking's; `at` is RAM.
    [[nodiscard]] RamWindow window(GuestPhys at) const {
        return backing_ == nullptr ? RamWindow{range_.base, {bytes_, range_.size}}
                                   : backing_->window(at);
    }
    [[nodiscard]] std::uint64_t generation() const {
        return backing_ == nullptr ? 0 : backing_->generation();
    }
    /// The `size` bytes at `at`, in one piece; an empty span is fine up to and including the end
    /// of RAM.
    [[nodiscard]] std::expected<std::span<std::byte>, GuestMemoryError> bytes(
        GuestPhys at, std::uint64_t size) const;

    /// Has a first piece of `from`, which never changes and outlives the guest, be at `to`, copied
    /// only where it cannot be shown. Its size, which bounds the work: 16 MiB that are shown, or
    /// 128 KiB that are copied. All of `from` is in range, or there is nothing. No hart runs the
    /// guest.
    [[nodiscard]] std::expected<std::uint64_t, GuestMemoryError> place(
        GuestPhys to, std::span<const std::byte> from) const;
    /// Copies `from` into the guest at `to`; all of it, or nothing where it is out of range.
    [[nodiscard]] std::expected<void, GuestMemoryError> copy_in(
        GuestPhys to, std::span<const std::byte> from) const;
    /// Copies from the guest at `from` into `to`; all of it, or nothing where it is out of range.
    [[nodiscard]] std::expected<void, GuestMemoryError> copy_out(GuestPhys from,
                                                                 std::span<std::byte> to) const;
    /// Sets `size` bytes at `at` to `value`.
    [[nodiscard]] std::expected<void, GuestMemoryError> fill(GuestPhys at, std::uint64_t size,
                                                             std::byte value) const;

    /// A hart of the guest could not reach `at`, which is RAM.
    [[nodiscard]] RamTouch touch(GuestPhys at) const {
        return backing_ == nullptr ? RamTouch::present : backing_->touch(at);
    }

    /// As RamBacking's.
    [[nodiscard]] std::uint32_t* register_page(GuestPhys at) const {
        return backing_ == nullptr ? nullptr : backing_->register_page(at);
    }
    [[nodiscard]] bool show_register_page(GuestPhys at) const {
        return backing_ != nullptr && backing_->show_register_page(at);
    }

    /// nullptr where a debugger can set none.
    [[nodiscard]] DebugPoints* debug_points() const {
        return backing_ == nullptr ? nullptr : backing_->debug_points();
    }

    /// The T at `at`, aligned or not, in the guest's (little-endian) byte order.
    template <class T>
        requires std::is_trivially_copyable_v<T>
    [[nodiscard]] std::expected<T, GuestMemoryError> load(GuestPhys at) const {
        T value{};
        if (const auto copied = copy_out(at, std::as_writable_bytes(std::span(&value, 1)));
            !copied) {
            return std::unexpected(copied.error());
        }
        return value;
    }
    template <class T>
        requires std::is_trivially_copyable_v<T>
    [[nodiscard]] std::expected<void, GuestMemoryError> store(GuestPhys at, const T& value) const {
        return copy_in(at, std::as_bytes(std::span(&value, 1)));
    }

  private:
    /// Calls `visit(piece, offset)` for each piece of the range, RAM all of it.
    template <class Visitor>
    [[nodiscard]] std::expected<void, GuestMemoryError> for_each_piece(GuestPhys at,
                                                                       std::uint64_t size,
                                                                       RamUse use,
                                                                       Visitor visit) const;

    GuestRange range_;
    std::byte* bytes_ = nullptr;  ///< all of RAM, without a backing
    RamBacking* backing_ = nullptr;
};

}  // namespace cairn
