// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot or per start of a guest.
#include "kernel/uefi/firmware_memory.hpp"

#include <cstring>

#include <cairn/bits.hpp>
#include "kernel/host/memory/range_list.hpp"

namespace cairn::uefi {
namespace {

/// The buffer's own allocation may split a range in two, and a timer may allocate as well.
constexpr std::size_t spare_descriptors = 8;
/// Nothing allocates for ever.
constexpr unsigned max_attempts = 8;

Failure too_many_ranges() {
    return {Status::buffer_too_small, "the firmware's memory map: more than {} separate ranges",
            max_memory_ranges};
}

}  // namespace

Result<FirmwareMemoryMap> FirmwareMemoryMap::take(Firmware firmware) {
    std::size_t size = 0;
    std::size_t descriptor_size = sizeof(MemoryDescriptor);
    std::size_t key = 0;
    std::uint32_t version = 0;
    const auto ask = [&](std::byte* buffer) {
        return firmware.services().get_memory_map(
            &size, reinterpret_cast<MemoryDescriptor*>(buffer), &key, &descriptor_size, &version);
    };
    Status status = ask(nullptr);
    for (unsigned i = 0; i < max_attempts && status == Status::buffer_too_small; ++i) {
        size += spare_descriptors * descriptor_size;
        auto buffer = PoolBuffer::allocate(firmware, size);
        if (!buffer) return std::unexpected(buffer.error());
        status = ask(buffer->bytes().data());
        if (is_error(status)) continue;
        if (descriptor_size < sizeof(MemoryDescriptor)) {
            return std::unexpected(Status::incompatible_version);
        }
        if (size > buffer->bytes().size()) return std::unexpected(Status::protocol_error);
        FirmwareMemoryMap map(std::move(*buffer));
        map.used_ = size;
        map.descriptor_size_ = descriptor_size;
        map.key_ = key;
        return map;
    }
    return std::unexpected(is_error(status) ? status : Status::protocol_error);
}

MemoryDescriptor FirmwareMemoryMap::operator[](std::size_t index) const {
    MemoryDescriptor descriptor;
    std::memcpy(&descriptor, buffer_.bytes().data() + index * descriptor_size_, sizeof(descriptor));
    return descriptor;
}

bool is_free_after_boot_services(const MemoryDescriptor& descriptor) {
    if ((descriptor.attribute & (memory_runtime | memory_specific_use)) != 0) return false;
    switch (descriptor.type) {
        case MemoryType::loader_code:
        case MemoryType::loader_data:
        case MemoryType::boot_services_code:
        case MemoryType::boot_services_data:
        case MemoryType::conventional: return true;
        case MemoryType::reserved:
        case MemoryType::runtime_services_code:
        case MemoryType::runtime_services_data:
        case MemoryType::unusable:
        case MemoryType::acpi_reclaim:
        case MemoryType::acpi_nvs:
        case MemoryType::memory_mapped_io:
        case MemoryType::memory_mapped_io_ports:
        case MemoryType::pal_code:
        case MemoryType::persistent:
        case MemoryType::unaccepted: return false;
    }
    return false;  // a type of the firmware's maker
}

Outcome<DoorMemory> free_memory(const FirmwareMemoryMap& map) {
    RangeList ranges;
    for (std::size_t i = 0; i < map.size(); ++i) {
        const MemoryDescriptor each = map[i];
        if (!is_free_after_boot_services(each) || each.number_of_pages == 0) continue;
        const auto bytes = checked_multiply(each.number_of_pages, page_size);
        if (!bytes || !checked_add(each.physical_start, *bytes)) {
            return fail(Status::protocol_error, "the firmware's memory map: {} pages at {:#x}",
                        each.number_of_pages, each.physical_start);
        }
        if (!ranges.insert({{each.physical_start}, *bytes})) {
            return std::unexpected(too_many_ranges());
        }
    }
    DoorMemory memory;
    for (const HostRange& range : ranges.ranges()) {
        if (!memory.try_push_back(range)) return std::unexpected(too_many_ranges());
    }
    return memory;
}

Outcome<DoorMemory> leave_boot_services(Firmware firmware, Handle image) {
    Status status = Status::success;
    for (unsigned i = 0; i < max_attempts; ++i) {
        auto map = FirmwareMemoryMap::take(firmware);
        if (!map) return fail(map.error(), "the firmware's memory map");
        auto memory = free_memory(*map);
        if (!memory) return memory;
        const auto left = firmware.exit_boot_services(image, map->key());
        if (left) {
            map->release();
            return memory;
        }
        status = left.error();
        if (status != Status::invalid_parameter) break;
    }
    return fail(status, "leaving Boot Services");
}

}  // namespace cairn::uefi
