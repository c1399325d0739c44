// SPDX-License-Identifier: MIT
// Address space that stands in for a machine's RAM: it starts at a multiple of 1 GiB, and costs
// nothing until it is written to.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>

#include "kernel/arch/address.hpp"
#include "tests/unit/catch.hpp"

namespace cairn {

class RamArena {
  public:
    explicit RamArena(std::uint64_t size) : mapped_(size + gibi) {
        where_ = ::mmap(nullptr, mapped_, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        REQUIRE(where_ != MAP_FAILED);
    }
    ~RamArena() { ::munmap(where_, mapped_); }
    RamArena(const RamArena&) = delete;
    RamArena& operator=(const RamArena&) = delete;

    [[nodiscard]] HostPhys base() const {
        return {(reinterpret_cast<std::uintptr_t>(where_) + gibi - 1) & ~(gibi - 1)};
    }

  private:
    static constexpr std::uint64_t gibi = 1ull << 30;
    std::size_t mapped_;
    void* where_ = nullptr;
};

}  // namespace cairn
