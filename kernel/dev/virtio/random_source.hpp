// SPDX-License-Identifier: MIT
// Where an entropy device has its bytes from. It never has to be waited for.
#pragma once

#include <cstddef>
#include <span>

namespace cairn {

class RandomSource {
  public:
    virtual void fill(std::span<std::byte> out) = 0;

  protected:
    ~RandomSource() = default;
};

}  // namespace cairn
