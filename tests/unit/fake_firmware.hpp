// SPDX-License-Identifier: MIT
// UEFI firmware for host tests: real tables, whose functions keep account of all that they give and
// get back, one volume of one file, and a machine of three RAM ranges. Any call, counted from 1,
// can be made to fail. One firmware at a time.
#pragma once

#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include <cairn/fdt_writer.hpp>
#include "kernel/uefi/protocols.hpp"
#include "tests/unit/catch.hpp"

namespace cairn::uefi {

class FakeFirmware {
  public:
    FakeFirmware() {
        current = this;
        services.allocate_pages = allocate_pages;
        services.free_pages = free_pages;
        services.get_memory_map = get_memory_map;
        services.allocate_pool = allocate_pool;
        services.free_pool = free_pool;
        services.handle_protocol = handle_protocol;
        services.locate_device_path = locate_device_path;
        services.exit_boot_services = exit_boot_services;
        services.locate_protocol = locate_protocol;
        console.output_string = output_string;
        console.mode = &console_mode;
        system.open_volume = open_volume;
        file.open = open_file;
        file.close = close_file;
        file.read = read_file;
        file.get_position = get_position;
        file.set_position = set_position;
        initrd.load_file = load_file;
        boot.get_boot_hart_id = get_boot_hart_id;
        image.device = &system;
        write_tree({});
        tables[0] = {Guid{1, 2, 3, {}}, nullptr};
        tables[1] = {device_tree_table, tree.data()};
        table.console_out = &console;
        table.boot_services = &services;
        table.tables = tables;
        table.table_count = 2;
    }
    FakeFirmware(const FakeFirmware&) = delete;
    FakeFirmware& operator=(const FakeFirmware&) = delete;
    ~FakeFirmware() {
        for (const auto& [address, size] : pages)
            std::free(address);
        for (void* buffer : pools)
            std::free(buffer);
        current = nullptr;
    }

    /// Makes the tree anew, with `bootargs` unless they are empty.
    void write_tree(std::string_view bootargs) {
        FdtWriter writer(tree);
        writer.begin_node("");
        writer.begin_node("chosen");
        if (!bootargs.empty()) writer.property_string("bootargs", bootargs);
        if (tree_hart) writer.property_u32("boot-hartid", *tree_hart);
        writer.end_node();
        writer.end_node();
        REQUIRE(writer.finish());
    }
    void set_load_options(std::u16string text) {
        options = std::move(text);
        image.load_options = options.c_str();
        image.load_options_size = static_cast<std::uint32_t>((options.size() + 1) * 2);
    }
    /// All that was given and has not come back, but for what a caller keeps.
    [[nodiscard]] std::size_t outstanding() const {
        return pages.size() + pools.size() + open_files;
    }

    // What a test chooses.
    std::size_t fail_at = 0;  ///< the call that fails; 0: none
    Status failure = Status::device_error;
    bool has_riscv_boot = true;
    bool has_initrd = false;
    std::optional<std::uint32_t> tree_hart;
    std::string archive = "an archive";
    std::u16string archive_path = u"\\EFI\\cairn\\vms.cpio";
    std::size_t ram_pages = 4096;     ///< that can be allocated
    std::size_t read_at_most = ~0ul;  ///< of a file, in one call
    unsigned stale_maps = 0;          ///< how often the map changes behind the caller's back
    std::size_t map_lies_by = 0;      ///< bytes that it says the map has, and has not
    std::size_t descriptor_size = sizeof(MemoryDescriptor) + 8;  ///< later firmware has more fields
    std::vector<MemoryDescriptor> map{
        {MemoryType::reserved, 0, 0x8000'0000, 0, 0x80, 0},
        {MemoryType::conventional, 0, 0x8008'0000, 0, 0x180, 0},
        {MemoryType::boot_services_data, 0, 0x8020'0000, 0, 0x100, 0},
        {MemoryType::runtime_services_data, 0, 0x8030'0000, 0, 1, memory_runtime},
        {MemoryType::loader_code, 0, 0x9000'0000, 0, 0x10, 0},
    };

    // What it has seen.
    std::size_t calls = 0;
    std::vector<std::string> names;  ///< of the calls
    std::map<void*, std::size_t> pages;
    std::vector<void*> pools;
    std::size_t open_files = 0;
    bool exited = false;
    bool called_after_exit = false;
    std::u16string said;

    TextOutputMode console_mode{};
    BootServices services{};
    SystemTable table{};
    LoadedImage image{};

  private:
    static inline FakeFirmware* current = nullptr;

    /// Every call begins here.
    static Status enter(const char* name) {
        FakeFirmware& self = *current;
        self.called_after_exit |= self.exited;
        self.names.emplace_back(name);
        return ++self.calls == self.fail_at ? self.failure : Status::success;
    }

    static Status allocate_pages(AllocateType, MemoryType type, std::size_t count,
                                 std::uint64_t* address) {
        if (const Status status = enter("AllocatePages"); is_error(status)) return status;
        CHECK(type == MemoryType::loader_data);
        if (count == 0) return Status::invalid_parameter;
        if (count > current->ram_pages) return Status::out_of_resources;
        void* base = std::aligned_alloc(page_size, count * page_size);
        current->pages[base] = count;
        ++current->key;
        *address = reinterpret_cast<std::uintptr_t>(base);
        return Status::success;
    }
    static Status free_pages(std::uint64_t address, std::size_t count) {
        current->called_after_exit |= current->exited;
        auto* base = reinterpret_cast<void*>(address);  // NOLINT(performance-no-int-to-ptr)
        CHECK(current->pages.at(base) == count);
        current->pages.erase(base);
        ++current->key;
        std::free(base);
        return Status::success;
    }
    static Status allocate_pool(MemoryType type, std::size_t size, void** buffer) {
        if (const Status status = enter("AllocatePool"); is_error(status)) return status;
        CHECK(type == MemoryType::loader_data);
        *buffer = std::malloc(size);
        current->pools.push_back(*buffer);
        ++current->key;
        return Status::success;
    }
    static Status free_pool(void* buffer) {
        current->called_after_exit |= current->exited;
        CHECK(std::erase(current->pools, buffer) == 1);
        ++current->key;
        std::free(buffer);
        return Status::success;
    }
    static Status get_memory_map(std::size_t* size, MemoryDescriptor* map, std::size_t* key,
                                 std::size_t* descriptor_size, std::uint32_t* version) {
        if (const Status status = enter("GetMemoryMap"); is_error(status)) return status;
        const std::size_t needed = current->map.size() * current->descriptor_size;
        const bool fits = map != nullptr && *size >= needed;
        *size = needed;
        *descriptor_size = current->descriptor_size;
        *version = 1;
        if (!fits) return Status::buffer_too_small;
        for (std::size_t i = 0; i < current->map.size(); ++i) {
            std::memcpy(reinterpret_cast<char*>(map) + i * current->descriptor_size,
                        &current->map[i], std::min(sizeof(*map), current->descriptor_size));
        }
        *size += current->map_lies_by;
        *key = current->key;
        if (current->stale_maps != 0) {
            --current->stale_maps;
            ++current->key;
        }
        return Status::success;
    }
    static Status exit_boot_services(Handle handle, std::size_t map_key) {
        if (const Status status = enter("ExitBootServices"); is_error(status)) return status;
        CHECK(handle == &current->image);
        if (map_key != current->key) return Status::invalid_parameter;
        current->exited = true;
        return Status::success;
    }

    static Status handle_protocol(Handle handle, const Guid* guid, void** interface) {
        if (const Status status = enter("HandleProtocol"); is_error(status)) return status;
        if (*guid == LoadedImage::guid && handle == &current->image) {
            *interface = &current->image;
        } else if (*guid == SimpleFileSystem::guid && handle == &current->system) {
            *interface = &current->system;
        } else if (*guid == LoadFile2::guid && handle == &current->initrd) {
            *interface = &current->initrd;
        } else {
            return Status::unsupported;
        }
        return Status::success;
    }
    static Status locate_protocol(const Guid* guid, void*, void** interface) {
        if (const Status status = enter("LocateProtocol"); is_error(status)) return status;
        if (*guid != RiscvBoot::guid || !current->has_riscv_boot) return Status::not_found;
        *interface = &current->boot;
        return Status::success;
    }
    static Status locate_device_path(const Guid* guid, const DevicePath** path, Handle* handle) {
        if (const Status status = enter("LocateDevicePath"); is_error(status)) return status;
        const InitrdMedia media;
        if (!current->has_initrd || *guid != LoadFile2::guid ||
            std::memcmp(*path, &media, sizeof(media)) != 0) {
            return Status::not_found;
        }
        *path += media.vendor.length[0] / sizeof(DevicePath);
        *handle = &current->initrd;
        return Status::success;
    }
    static Status get_boot_hart_id(RiscvBoot*, std::uint64_t* hart) {
        if (const Status status = enter("GetBootHartId"); is_error(status)) return status;
        *hart = 3;
        return Status::success;
    }

    static Status open_volume(SimpleFileSystem*, File** root) {
        if (const Status status = enter("OpenVolume"); is_error(status)) return status;
        ++current->open_files;
        *root = &current->file;
        return Status::success;
    }
    static Status open_file(File*, File** opened, const char16_t* name, std::uint64_t mode,
                            std::uint64_t) {
        if (const Status status = enter("Open"); is_error(status)) return status;
        CHECK(mode == File::mode_read);
        if (current->archive_path != name) return Status::not_found;
        ++current->open_files;
        current->position = 0;
        *opened = &current->file;
        return Status::success;
    }
    static Status close_file(File*) {
        current->called_after_exit |= current->exited;
        --current->open_files;
        return Status::success;
    }
    static Status read_file(File*, std::size_t* size, void* buffer) {
        if (const Status status = enter("Read"); is_error(status)) return status;
        *size =
            std::min({*size, current->read_at_most, current->archive.size() - current->position});
        std::memcpy(buffer, current->archive.data() + current->position, *size);
        current->position += *size;
        return Status::success;
    }
    static Status get_position(File*, std::uint64_t* position) {
        if (const Status status = enter("GetPosition"); is_error(status)) return status;
        *position = current->position;
        return Status::success;
    }
    static Status set_position(File*, std::uint64_t position) {
        if (const Status status = enter("SetPosition"); is_error(status)) return status;
        current->position = position == File::end ? current->archive.size() : position;
        return Status::success;
    }
    static Status load_file(LoadFile2*, const DevicePath* path, bool boot_policy, std::size_t* size,
                            void* buffer) {
        if (const Status status = enter("LoadFile"); is_error(status)) return status;
        CHECK((path->type == device_path_end && !boot_policy));
        const bool fits = buffer != nullptr && *size >= current->archive.size();
        *size = current->archive.size();
        if (!fits) return Status::buffer_too_small;
        std::memcpy(buffer, current->archive.data(), *size);
        return Status::success;
    }
    static Status output_string(TextOutput*, const char16_t* text) {
        current->said += text;
        return Status::success;
    }

    std::array<std::byte, 1024> tree{};
    ConfigurationTable tables[2];
    TextOutput console{};
    SimpleFileSystem system{};
    File file{};
    LoadFile2 initrd{};
    RiscvBoot boot{};
    std::u16string options;
    std::size_t key = 1;
    std::uint64_t position = 0;
};

}  // namespace cairn::uefi
