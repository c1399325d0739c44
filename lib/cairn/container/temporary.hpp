// SPDX-License-Identifier: MIT
// An element on the stack, made and destroyed by the rules of a container's allocator: for when the
// arguments that it is made of may refer to elements that have to move first. No public interface.
#pragma once

#include <memory>
#include <utility>

namespace cairn {

template <class T, class Allocator>
class Temporary {
    using Traits = std::allocator_traits<Allocator>;

  public:
    template <class... Arguments>
    constexpr explicit Temporary(Allocator& allocator, Arguments&&... arguments)
        : allocator_(allocator) {
        Traits::construct(allocator_, std::addressof(value), std::forward<Arguments>(arguments)...);
    }
    Temporary(const Temporary&) = delete;
    Temporary& operator=(const Temporary&) = delete;
    constexpr ~Temporary() { Traits::destroy(allocator_, std::addressof(value)); }

    union {
        T value;
    };

  private:
    Allocator& allocator_;
};

}  // namespace cairn
