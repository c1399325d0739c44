// SPDX-License-Identifier: MIT
// Boot Services as functions that return a value or the status (UEFI Specification 2.10, chapter
// 7), and owners of what they give: a failure anywhere frees what was taken before it.
//
// Owners call the firmware when they end, so none may live over a successful exit_boot_services but
// by `release`. Nothing here has state of its own; a Firmware is copied freely. One hart runs.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <utility>

#include "kernel/arch/address.hpp"
#include "kernel/uefi/protocols.hpp"

namespace cairn::uefi {

class Firmware {
  public:
    explicit Firmware(const SystemTable& table) : table_(&table) {}

    // Section 7.2: memory.
    [[nodiscard]] Result<std::byte*> allocate_pool(MemoryType type, std::size_t size) const;
    Result<void> free_pool(std::byte* buffer) const;
    /// `address` is the highest or the wanted one, where `how` asks for that.
    [[nodiscard]] Result<std::byte*> allocate_pages(AllocateType how, MemoryType type,
                                                    std::size_t pages,
                                                    std::uint64_t address = 0) const;
    Result<void> free_pages(std::byte* base, std::size_t pages) const;

    // Section 7.3: protocols.
    template <class Protocol>
    [[nodiscard]] Result<Protocol*> protocol(Handle handle) const {
        return as<Protocol>(handle_protocol(handle, Protocol::guid));
    }
    /// The first there is.
    template <class Protocol>
    [[nodiscard]] Result<Protocol*> locate() const {
        return as<Protocol>(locate_protocol(Protocol::guid));
    }
    /// The device whose path is exactly `path` and which has the protocol `guid`.
    [[nodiscard]] Result<Handle> locate_device(const Guid& guid, const DevicePath* path) const;

    // Section 7.4.6.
    [[nodiscard]] Result<void> exit_boot_services(Handle image, std::size_t map_key) const;

    [[nodiscard]] const SystemTable& table() const { return *table_; }
    [[nodiscard]] const BootServices& services() const { return *table_->boot_services; }

  private:
    template <class Protocol>
    static Result<Protocol*> as(Result<void*> found) {
        if (!found) return std::unexpected(found.error());
        return static_cast<Protocol*>(*found);
    }
    [[nodiscard]] Result<void*> handle_protocol(Handle handle, const Guid& guid) const;
    [[nodiscard]] Result<void*> locate_protocol(const Guid& guid) const;

    const SystemTable* table_;
};

/// Whole pages of LoaderData.
class Pages {
  public:
    /// Room for `size` bytes.
    [[nodiscard]] static Result<Pages> allocate(Firmware firmware, std::uint64_t size);
    Pages(Pages&& other) noexcept
        : firmware_(other.firmware_), bytes_(std::exchange(other.bytes_, {})) {}
    Pages& operator=(Pages&& other) noexcept {
        std::swap(bytes_, other.bytes_);
        return *this;
    }
    ~Pages();

    [[nodiscard]] std::span<std::byte> bytes() const { return bytes_; }
    /// Leaves the pages to whoever has the range.
    HostRange release();

  private:
    Pages(Firmware firmware, std::span<std::byte> bytes) : firmware_(firmware), bytes_(bytes) {}

    Firmware firmware_;
    std::span<std::byte> bytes_;
};

/// A small buffer: LoaderData from the pool.
class PoolBuffer {
  public:
    [[nodiscard]] static Result<PoolBuffer> allocate(Firmware firmware, std::size_t size);
    PoolBuffer(PoolBuffer&& other) noexcept
        : firmware_(other.firmware_), bytes_(std::exchange(other.bytes_, {})) {}
    PoolBuffer& operator=(PoolBuffer&& other) noexcept {
        std::swap(bytes_, other.bytes_);
        return *this;
    }
    ~PoolBuffer();

    [[nodiscard]] std::span<std::byte> bytes() const { return bytes_; }
    void release() { bytes_ = {}; }

  private:
    PoolBuffer(Firmware firmware, std::span<std::byte> bytes)
        : firmware_(firmware), bytes_(bytes) {}

    Firmware firmware_;
    std::span<std::byte> bytes_;
};

}  // namespace cairn::uefi
