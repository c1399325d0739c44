// SPDX-License-Identifier: MIT
// A guest without a kernel that measures what a notification of its first disk takes until the
// request is complete: by a driver that polls, of one request each, 2000 times. Prints
//
//     figure read-4 2345
//
// in instructions, with -icount shift=0: a tick of `time` is 100.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "kernel/arch/guest/hart_operations.hpp"
#include "tests/guests/disk_check/disk_driver.hpp"
#include "tests/guests/guest_runtime.hpp"

namespace cairn::guest {
namespace {

constexpr unsigned first_disk = 7;  // the slot
constexpr std::uint64_t rounds = 2000;
constexpr std::uint64_t instructions_per_tick = 100;
constexpr std::size_t sectors_of_disk = 2048;

alignas(4096) std::array<std::byte, 64 << 10> buffer;

void measure(DiskDriver& disk, std::string_view name, DiskDriver::RequestType type,
             std::uint32_t bytes) {
    std::uint64_t ticks = 0;
    std::uint64_t sector = 0;
    for (std::uint64_t n = 0; n < rounds; ++n) {
        const std::array data{
            DiskBuffer{buffer.data(), bytes, type != DiskDriver::RequestType::out}};
        disk.prepare(static_cast<std::uint32_t>(type), sector, std::span(data).first(bytes != 0));
        disk.offer(0);
        const std::uint64_t begin = read_time();
        disk.notify();
        (void)disk.wait_used();
        ticks += read_time() - begin;
        if (disk.status() != 0) return println("{}: it fails", name);
        sector = (sector + bytes / virtio_block::sector_size) % sectors_of_disk;
    }
    println("figure {} {}", name, ticks * instructions_per_tick / rounds);
}

}  // namespace

void run(std::string_view /*arguments*/) {
    using Type = DiskDriver::RequestType;
    DiskDriver disk(first_disk);
    disk.start();
    measure(disk, "flush", Type::flush, 0);
    measure(disk, "read-4", Type::in, 4 << 10);
    measure(disk, "write-4", Type::out, 4 << 10);
    measure(disk, "read-64", Type::in, 64 << 10);
    measure(disk, "write-64", Type::out, 64 << 10);
}

}  // namespace cairn::guest
