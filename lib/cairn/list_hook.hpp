// SPDX-License-Identifier: MIT
// What an object needs to be in an `intrusive_list`: two links, to its neighbours. A list is a ring
// of hooks, one of which belongs to the list itself, so that no link is ever null within a ring:
//
//          +--> head <--> a <--> b <--> c <--+
//          +---------------------------------+
//
// Every change looks first whether the neighbours lead back to where it came from, and panics where
// they do not (in every build): what overwrote a link is then found before it spreads. An object
// with a hook keeps its address, so it is neither copied nor moved; it must not be destroyed while
// it is in a list. Whoever owns the list sees to the locking.
#pragma once

#include <cstdint>
#include <source_location>

#include "cairn/base/language.hpp"

namespace cairn {

enum class ListFault : std::uint8_t {
    linked_twice,  ///< added to a list while in one
    not_linked,    ///< removed while in no list
    destroyed,     ///< destroyed while in a list
    broken,        ///< a neighbour's link leads elsewhere
};

[[noreturn]] void panic_list(ListFault fault, const void* hook,
                             std::source_location where = std::source_location::current());

class list_hook {
    using Here = std::source_location;

  public:
    constexpr list_hook() = default;
    list_hook(const list_hook&) = delete;
    list_hook& operator=(const list_hook&) = delete;
    constexpr ~list_hook() {
        if (is_linked()) [[unlikely]]
            panic_list(ListFault::destroyed, this);
    }

    [[nodiscard]] constexpr bool is_linked() const noexcept { return next_ != nullptr; }

    /// Leaves the list that it is in, whichever that is.
    constexpr void unlink(Here where = Here::current()) {
        check(where);
        next_->previous_ = previous_;
        previous_->next_ = next_;
        next_ = previous_ = nullptr;
    }

  private:
    template <class T, class Hook>
    friend class intrusive_list;

    /// Becomes the head of an empty list.
    constexpr void close() noexcept { next_ = previous_ = this; }

    /// Panics unless this is in a ring and both neighbours know it.
    constexpr void check(Here where) const {
        if (next_ == nullptr) [[unlikely]]
            panic_list(ListFault::not_linked, this, where);
        if (next_->previous_ != this || previous_->next_ != this) [[unlikely]]
            panic_list(ListFault::broken, this, where);
    }

    constexpr void link_before(list_hook& position, Here where) {
        if (is_linked()) [[unlikely]]
            panic_list(ListFault::linked_twice, this, where);
        position.check(where);
        next_ = &position;
        previous_ = position.previous_;
        previous_->next_ = this;
        position.previous_ = this;
    }

    /// Moves [first, last], which are of one ring, in front of `position`, which is not in between.
    static constexpr void transfer(list_hook& first, list_hook& last, list_hook& position,
                                   Here where) {
        first.check(where);
        last.check(where);
        position.check(where);
        if (&position == &first) return;
        first.previous_->next_ = last.next_;
        last.next_->previous_ = first.previous_;
        first.previous_ = position.previous_;
        last.next_ = &position;
        first.previous_->next_ = &first;
        position.previous_ = &last;
    }

    list_hook* next_ = nullptr;
    list_hook* previous_ = nullptr;
};

}  // namespace cairn
