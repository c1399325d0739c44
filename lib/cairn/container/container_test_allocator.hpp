// SPDX-License-Identifier: MIT
// For the tests of containers: an allocator that counts, that fails on demand and that can grow its
// blocks in place, and an element that knows how many of its kind live.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

namespace cairn::testing {

/// The books of one test: blocks and bytes out, and when the next failure is due.
struct Ledger {
    struct Block {
        std::size_t bytes;
        std::size_t room;
    };
    std::map<const void*, Block> blocks;
    std::size_t bytes = 0;
    std::size_t requests = 0;
    std::size_t in_place = 0;
    std::size_t errors = 0;  // a size that does not match, an unknown block
    std::size_t allowed = static_cast<std::size_t>(-1);  // requests that succeed from here on
    std::size_t largest = static_cast<std::size_t>(-1);  // a request in bytes that succeeds
    bool resizes = true;                                 // whether blocks may change in place
    std::size_t slack = 0;  // bytes behind each block, for growth in place
};

struct OutOfMemory : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// Traits that propagate (or not) and equality by ledger: every way a container may be asked to
/// treat its allocator. The "panic" of allocate() is an exception here, so that tests go on.
template <class T, bool propagates = false>
class TestAllocator {
  public:
    using value_type = T;
    using propagate_on_container_copy_assignment = std::bool_constant<propagates>;
    using propagate_on_container_move_assignment = std::bool_constant<propagates>;
    using propagate_on_container_swap = std::bool_constant<propagates>;
    using is_always_equal = std::false_type;
    template <class U>
    struct rebind {
        using other = TestAllocator<U, propagates>;
    };

    explicit TestAllocator(Ledger& ledger) noexcept : ledger_(&ledger) {}
    template <class U>
    TestAllocator(
        const TestAllocator<U, propagates>& other) noexcept  // NOLINT: implicit, as in std
        : ledger_(&other.ledger()) {}

    T* allocate(std::size_t count) {
        T* const block = try_allocate(count);
        if (block == nullptr) throw OutOfMemory("test allocator");
        return block;
    }

    T* try_allocate(std::size_t count) noexcept {
        const std::size_t bytes = count * sizeof(T);
        if (!permitted() || bytes > ledger_->largest) return nullptr;
        T* const block =
            static_cast<T*>(::operator new(bytes + ledger_->slack, std::align_val_t{alignof(T)}));
        ledger_->blocks.emplace(block, Ledger::Block{bytes, bytes + ledger_->slack});
        ledger_->bytes += bytes;
        return block;
    }

    void deallocate(T* block, std::size_t count) noexcept {
        const auto found = ledger_->blocks.find(block);
        if (found == ledger_->blocks.end() || found->second.bytes != count * sizeof(T)) {
            ++ledger_->errors;
            return;
        }
        ledger_->bytes -= found->second.bytes;
        ledger_->blocks.erase(found);
        ::operator delete(block, std::align_val_t{alignof(T)});
    }

    /// Grows into the slack behind a block.
    bool try_resize(T* block, std::size_t old_count, std::size_t new_count) noexcept {
        const auto found = ledger_->blocks.find(block);
        if (found == ledger_->blocks.end() || found->second.bytes != old_count * sizeof(T)) {
            ++ledger_->errors;
            return false;
        }
        const std::size_t bytes = new_count * sizeof(T);
        if (!ledger_->resizes) return false;
        if (bytes > found->second.room) return false;
        if (bytes > found->second.bytes && !permitted()) return false;
        ledger_->bytes += bytes - found->second.bytes;
        found->second.bytes = bytes;
        ++ledger_->in_place;
        return true;
    }

    TestAllocator select_on_container_copy_construction() const { return *this; }
    [[nodiscard]] Ledger& ledger() const { return *ledger_; }
    friend bool operator==(const TestAllocator&, const TestAllocator&) = default;

  private:
    bool permitted() noexcept {
        ++ledger_->requests;
        if (ledger_->allowed == 0) return false;
        --ledger_->allowed;
        return true;
    }

    Ledger* ledger_;
};

/// Not trivially relocatable (it holds its own address), counted, never valid when moved from.
class Tracked {
  public:
    Tracked() : Tracked(0) {}
    Tracked(int value) : self_(this), value_(value) { ++live; }  // NOLINT: implicit, as an int is
    Tracked(const Tracked& other) : Tracked(other.value()) { ++copies; }
    Tracked(Tracked&& other) noexcept : Tracked(std::exchange(other.value_, moved_from)) {}
    Tracked& operator=(const Tracked& other) {
        check();
        value_ = other.value();
        return *this;
    }
    Tracked& operator=(Tracked&& other) noexcept {
        check();
        const int value = std::exchange(other.value_, moved_from);
        value_ = value;
        return *this;
    }
    ~Tracked() {
        check();
        self_ = nullptr;
        --live;
    }

    [[nodiscard]] int value() const {
        check();
        return value_;
    }
    friend bool operator==(const Tracked& a, const Tracked& b) { return a.value() == b.value(); }
    friend auto operator<=>(const Tracked& a, const Tracked& b) { return a.value() <=> b.value(); }

    static constexpr int moved_from = -1'000'000;
    static inline long live = 0;
    static inline long copies = 0;
    static inline long broken = 0;  // operations on what is no object

  private:
    void check() const {
        if (self_ != this) ++broken;
    }

    const Tracked* self_;
    int value_;
};

}  // namespace cairn::testing
