// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot or per start of a guest.
#include "kernel/uefi/firmware.hpp"

#include <cairn/bits.hpp>

namespace cairn::uefi {

Result<std::byte*> Firmware::allocate_pool(MemoryType type, std::size_t size) const {
    void* buffer = nullptr;
    const Status status = services().allocate_pool(type, size, &buffer);
    return value_or_status(status, static_cast<std::byte*>(buffer));
}

Result<void> Firmware::free_pool(std::byte* buffer) const {
    return nothing_or_status(services().free_pool(buffer));
}

Result<std::byte*> Firmware::allocate_pages(AllocateType how, MemoryType type, std::size_t pages,
                                            std::uint64_t address) const {
    const Status status = services().allocate_pages(how, type, pages, &address);
    return value_or_status(status, reinterpret_cast<std::byte*>(address));
}

Result<void> Firmware::free_pages(std::byte* base, std::size_t pages) const {
    const auto address = reinterpret_cast<std::uintptr_t>(base);
    return nothing_or_status(services().free_pages(address, pages));
}

Result<void*> Firmware::handle_protocol(Handle handle, const Guid& guid) const {
    void* interface = nullptr;
    const Status status = services().handle_protocol(handle, &guid, &interface);
    return value_or_status(status, interface);
}

Result<void*> Firmware::locate_protocol(const Guid& guid) const {
    void* interface = nullptr;
    const Status status = services().locate_protocol(&guid, nullptr, &interface);
    return value_or_status(status, interface);
}

Result<Handle> Firmware::locate_device(const Guid& guid, const DevicePath* path) const {
    Handle handle = nullptr;
    const Status status = services().locate_device_path(&guid, &path, &handle);
    // The firmware leaves in `path` what it has not matched: nothing may be left.
    if (!is_error(status) && path->type != device_path_end) {
        return std::unexpected(Status::not_found);
    }
    return value_or_status(status, handle);
}

Result<void> Firmware::exit_boot_services(Handle image, std::size_t map_key) const {
    return nothing_or_status(services().exit_boot_services(image, map_key));
}

Result<Pages> Pages::allocate(Firmware firmware, std::uint64_t size) {
    const auto rounded = align_up(size, page_size);
    if (!rounded) return std::unexpected(Status::out_of_resources);
    const auto base = firmware.allocate_pages(AllocateType::any_pages, MemoryType::loader_data,
                                              *rounded / page_size);
    if (!base) return std::unexpected(base.error());
    return Pages(firmware, {*base, *rounded});
}

Pages::~Pages() {
    // A refusal leaves nothing to be done.
    if (!bytes_.empty()) (void)firmware_.free_pages(bytes_.data(), bytes_.size() / page_size);
}

HostRange Pages::release() {
    const auto bytes = std::exchange(bytes_, {});
    return {{reinterpret_cast<std::uintptr_t>(bytes.data())}, bytes.size()};
}

Result<PoolBuffer> PoolBuffer::allocate(Firmware firmware, std::size_t size) {
    const auto base = firmware.allocate_pool(MemoryType::loader_data, size);
    if (!base) return std::unexpected(base.error());
    return PoolBuffer(firmware, {*base, size});
}

PoolBuffer::~PoolBuffer() {
    // A buffer of no bytes is one, too.
    if (bytes_.data() != nullptr) (void)firmware_.free_pool(bytes_.data());
}

}  // namespace cairn::uefi
