// SPDX-License-Identifier: MIT
// Where keys come from, for who takes them one by one.
#pragma once

#include <cstddef>
#include <optional>

namespace cairn {

/// What was typed, in order.
class KeySource {
  public:
    [[nodiscard]] virtual std::optional<std::byte> take_key() = 0;

  protected:
    ~KeySource() = default;
};

}  // namespace cairn
