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

/// A piece of RAM that is ready.
struct DmaWindow {
    GuestPhys base{};
    std::uint64_t size = 0;
    std::byte* bytes = nullptr;

    /// Where `range` lies, all of which has to be in it; else nullptr.
    [[nodiscard]] std::byte* find(GuestRange range) const {
        const std::uint64_t offset = range.base.value - base.value;  // large where it is before it
        if (range.size > size || offset > size - range.size) return nullptr;
        return bytes + offset;
    }
};

/// What is accessed often: `bytes` says where it lies, or is nullptr where that is not one piece
/// that is ready.
struct DmaPart {
    GuestPhys base{};
    std::byte* bytes = nullptr;
};

class DmaMemory {
  public:
    DmaMemory(const DmaMemory&) = delete;
    DmaMemory& operator=(const DmaMemory&) = delete;

    /// Whether all of `range` is RAM.
    [[nodiscard]] bool holds(GuestRange range) const {
        return ram_.contains(range.base, range.size);
    }
    /// Whether `piece` has nothing to make ready for any of `range`, RAM all of it.
    [[nodiscard]] virtual bool is_ready(GuestRange range) const = 0;
    /// Whether that is short, and so may be done in any turn.
    [[nodiscard]] virtual bool is_soon_ready(GuestRange /*range*/) const { return false; }
    /// Those bytes of `range`, RAM all of it, that follow its first in one piece; none where there
    /// is no memory to make them ready. The guest's harts write there at any time.
    [[nodiscard]] virtual std::span<std::byte> piece(GuestRange range) = 0;
    /// One with `at`, RAM, in it; of no size where that is not ready.
    [[nodiscard]] virtual DmaWindow window(GuestPhys at) = 0;
    /// Another one as soon as a window that was found before may be none any more. Asked within a
    /// use, it holds until that ends.
    [[nodiscard]] virtual std::uint64_t generation() const { return 0; }
    /// What is found behind this may be used until `end_use` of what it returns: a guest may give
    /// RAM back. Of memory that stays there need be nothing to do.
    [[nodiscard]] virtual std::uint8_t begin_use() { return 0; }
    virtual void end_use(std::uint8_t /*begun*/) {}

  protected:
    explicit DmaMemory(GuestRange ram) : ram_(ram) {}
    ~DmaMemory() = default;

  private:
    const GuestRange ram_;
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
        : memory_(memory), hold_(memory), generation_(memory.generation()), left_(bytes) {}
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
    /// Of its memory, when it began.
    [[nodiscard]] std::uint64_t generation() const { return generation_; }

    /// Where `range`, RAM, lies, if that is one piece that is ready; else nullptr. Good for as long
    /// as turns have this generation. What a turn has found once it knows until it ends.
    [[nodiscard]] std::byte* find_ready(GuestRange range) {
        DmaWindow& window = windows_[range.base.value / window_span % windows_.size()];
        std::byte* const found = window.find(range);
        if (found != nullptr) return found;
        window = memory_.window(range.base);
        return window.find(range);
    }
    /// The same of a part, which begins at an address that is aligned to `alignment`.
    [[nodiscard]] DmaPart find_part(GuestRange range, std::uint64_t alignment) {
        std::byte* const found = find_ready(range);
        const bool is_usable = reinterpret_cast<std::uintptr_t>(found) % alignment == 0;
        return {range.base, is_usable ? found : nullptr};
    }
    /// As DmaMemory's.
    [[nodiscard]] std::span<std::byte> piece(GuestRange range) {
        std::byte* const found = find_ready(range);
        return found != nullptr ? std::span(found, range.size) : find_piece(range);
    }

    /// The T at `at`, RAM all of it; false where there is no memory.
    template <class T>
    [[nodiscard]] bool load(GuestPhys at, T& to) {
        const std::byte* const found = find_ready({at, sizeof(T)});
        if (!is_aligned_for<T>(found))
            return copy_out(at, std::as_writable_bytes(std::span(&to, 1)));
        __builtin_memcpy(&to, std::assume_aligned<alignof(T)>(found), sizeof(T));
        return true;
    }
    template <class T>
    [[nodiscard]] bool store(GuestPhys at, const T& from) {
        std::byte* const found = find_ready({at, sizeof(T)});
        if (!is_aligned_for<T>(found)) return copy_in(at, std::as_bytes(std::span(&from, 1)));
        __builtin_memcpy(std::assume_aligned<alignof(T)>(found), &from, sizeof(T));
        return true;
    }

    // Of a part, where a T is aligned at `offset`:

    /// In its place; nullptr where it does not lie in one piece, or there is no memory.
    template <class T>
    [[nodiscard]] T* find(const DmaPart& part, std::uint64_t offset) {
        if (part.bytes != nullptr) return reinterpret_cast<T*>(part.bytes + offset);
        const auto found = piece({part.base + offset, sizeof(T)});
        return found.size() == sizeof(T) && is_aligned_for<T>(found.data())
                   ? reinterpret_cast<T*>(found.data())
                   : nullptr;
    }
    template <class T>
    [[nodiscard]] bool load(const DmaPart& part, std::uint64_t offset, T& to) {
        if (part.bytes == nullptr) return load(part.base + offset, to);
        __builtin_memcpy(&to, std::assume_aligned<alignof(T)>(part.bytes + offset), sizeof(T));
        return true;
    }
    template <class T>
    [[nodiscard]] bool store(const DmaPart& part, std::uint64_t offset, const T& from) {
        if (part.bytes == nullptr) return store(part.base + offset, from);
        __builtin_memcpy(std::assume_aligned<alignof(T)>(part.bytes + offset), &from, sizeof(T));
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
    /// Where a window is kept follows from the address: guests' RAM has windows of so many bytes.
    static constexpr std::uint64_t window_span = 2 << 20;
    /// Of making ready what is soon so, as if so many bytes were copied.
    static constexpr std::uint64_t soon_cost = 4096;

    template <class T>
    [[nodiscard]] static bool is_aligned_for(const std::byte* found) {
        return found != nullptr && reinterpret_cast<std::uintptr_t>(found) % alignof(T) == 0;
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
    std::uint64_t generation_;
    std::uint64_t left_;
    std::uint32_t made_ready_ = 0;
    std::array<DmaWindow, 8> windows_;
};

}  // namespace cairn
