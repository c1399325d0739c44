// SPDX-License-Identifier: MIT
// A guest's memory as its devices see it, and the measure of how much they do with it at once.
//
// Devices work in turns: in the driver's notification, which is an exit, or between guests. A turn
// has a number of bytes, is charged for what is done, and is over when they are used up. What is
// not ready (RAM that has to be zeroed first, or copied from what is shown) takes long, and so is
// the last that a turn does. No locking: the VM's device lock is held.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <utility>

#include "kernel/arch/address.hpp"

namespace cairn {

class DmaMemory {
  public:
    /// Whether all of `range` is RAM.
    [[nodiscard]] virtual bool holds(GuestRange range) const = 0;
    /// Whether `piece` has nothing to make ready for any of `range`, RAM all of it.
    [[nodiscard]] virtual bool is_ready(GuestRange range) const = 0;
    /// Whether that is short, and so may be done in any turn.
    [[nodiscard]] virtual bool is_soon_ready(GuestRange /*range*/) const { return false; }
    /// Those bytes of `range`, RAM all of it, that follow its first in one piece; none where there
    /// is no memory to make them ready. The guest's harts write there at any time.
    [[nodiscard]] virtual std::span<std::byte> piece(GuestRange range) = 0;
    /// All of `range`, where it is RAM that is ready and lies in one piece; else nothing.
    [[nodiscard]] virtual std::span<std::byte> ready_piece(GuestRange range) = 0;
    /// What is found behind this may be used until `end_use` of what it returns: a guest may give
    /// RAM back. Of memory that stays there need be nothing to do.
    [[nodiscard]] virtual std::uint8_t begin_use() { return 0; }
    virtual void end_use(std::uint8_t /*begun*/) {}

  protected:
    ~DmaMemory() = default;
};

/// The use of a memory, for as long as it lives.
class DmaHold {
  public:
    DmaHold() = default;
    explicit DmaHold(DmaMemory& memory) : memory_(&memory), begun_(memory.begin_use()) {}
    DmaHold(DmaHold&& other) noexcept
        : memory_(std::exchange(other.memory_, nullptr)), begun_(other.begun_) {}
    DmaHold& operator=(DmaHold&& other) noexcept {
        std::swap(memory_, other.memory_);
        std::swap(begun_, other.begun_);
        return *this;
    }
    ~DmaHold() { end(); }

    void end() {
        if (memory_ != nullptr) memory_->end_use(begun_);
        memory_ = nullptr;
    }

  private:
    DmaMemory* memory_ = nullptr;
    std::uint8_t begun_ = 0;
};

class DmaTurn {
  public:
    DmaTurn(DmaMemory& memory, std::uint64_t bytes)
        : memory_(memory), hold_(memory), left_(bytes) {}
    DmaTurn(const DmaTurn&) = delete;
    DmaTurn& operator=(const DmaTurn&) = delete;

    [[nodiscard]] std::uint64_t left() const { return left_; }
    [[nodiscard]] bool is_over() const { return left_ == 0; }
    void charge(std::uint64_t bytes) { left_ -= std::min(left_, bytes); }
    /// Pieces so far that were not ready.
    [[nodiscard]] std::uint32_t made_ready() const { return made_ready_; }

    /// For pieces that are used beyond the turn, and found from here on.
    [[nodiscard]] DmaHold hold() { return DmaHold(memory_); }
    [[nodiscard]] bool holds(GuestRange range) const { return memory_.holds(range); }
    /// As DmaMemory's. What it has found once it knows until it ends: rings lie close together.
    [[nodiscard]] std::span<std::byte> piece(GuestRange range) {
        const std::uint64_t number = range.base.value / window_size;
        const std::size_t place = number % windows_.size();
        Window& window = windows_[place];
        const std::uint64_t offset = range.base.value % window_size;
        if (range.size > window_size - offset) return find_piece(range);
        if ((known_ >> place & 1) == 0 || window.number != number) {
            const auto found = memory_.ready_piece({{number * window_size}, window_size});
            if (found.empty()) return find_piece(range);
            window = {number, found.data()};
            known_ |= 1u << place;
        }
        return {window.bytes + offset, range.size};
    }

    /// The T at `at`, RAM all of it; false where there is no memory.
    template <class T>
    [[nodiscard]] bool load(GuestPhys at, T& to) {
        const auto found = piece({at, sizeof(T)});
        if (!is_whole<T>(found)) return copy_out(at, std::as_writable_bytes(std::span(&to, 1)));
        __builtin_memcpy(&to, std::assume_aligned<alignof(T)>(found.data()), sizeof(T));
        return true;
    }
    template <class T>
    [[nodiscard]] bool store(GuestPhys at, const T& from) {
        const auto found = piece({at, sizeof(T)});
        if (!is_whole<T>(found)) return copy_in(at, std::as_bytes(std::span(&from, 1)));
        __builtin_memcpy(std::assume_aligned<alignof(T)>(found.data()), &from, sizeof(T));
        return true;
    }

    /// Calls `visit(piece, offset)` for each piece of `range`, RAM all of it; false where there is
    /// no memory.
    template <class Visitor>
    [[nodiscard]] bool for_each_piece(GuestRange range, Visitor visit) {
        for (std::uint64_t done = 0; done < range.size;) {
            const auto found = piece({range.base + done, range.size - done});
            if (found.empty()) return false;
            visit(found, done);
            done += found.size();
        }
        return true;
    }
    [[nodiscard]] bool copy_out(GuestPhys from, std::span<std::byte> to) {
        return for_each_piece({from, to.size()}, [&](std::span<std::byte> bytes, std::uint64_t at) {
            std::memcpy(to.data() + at, bytes.data(), bytes.size());
        });
    }
    [[nodiscard]] bool copy_in(GuestPhys to, std::span<const std::byte> from) {
        return for_each_piece({to, from.size()}, [&](std::span<std::byte> bytes, std::uint64_t at) {
            std::memcpy(bytes.data(), from.data() + at, bytes.size());
        });
    }

  private:
    static constexpr std::uint64_t window_size = 64 << 10;
    /// Of making ready what is soon so, as if so many bytes were copied.
    static constexpr std::uint64_t soon_cost = 4096;
    /// RAM that is ready, in one piece.
    struct Window {
        std::uint64_t number;
        std::byte* bytes;
    };

    template <class T>
    [[nodiscard]] static bool is_whole(std::span<const std::byte> found) {
        return found.size() == sizeof(T) &&
               reinterpret_cast<std::uintptr_t>(found.data()) % alignof(T) == 0;
    }

    [[nodiscard]] std::span<std::byte> find_piece(GuestRange range) {
        if (!memory_.is_ready(range)) {
            charge(memory_.is_soon_ready(range) ? soon_cost : left_);
            ++made_ready_;
        }
        return memory_.piece(range);
    }

    DmaMemory& memory_;
    DmaHold hold_;
    std::uint64_t left_;
    std::uint32_t made_ready_ = 0;
    std::uint32_t known_ = 0;  ///< bit n: windows_[n] is one
    std::array<Window, 16> windows_;
};

}  // namespace cairn
