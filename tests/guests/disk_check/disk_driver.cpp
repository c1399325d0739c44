// SPDX-License-Identifier: MIT
#include "tests/guests/disk_check/disk_driver.hpp"

#include <array>

namespace cairn::guest {

void DiskDriver::start(std::uint64_t features) {
    const std::uint32_t status = negotiate(features);
    set_up_queue();
    set(Register::status, status | virtio::status::driver_ok);
}

void DiskDriver::prepare(std::uint32_t type, std::uint64_t sector,
                         std::span<const DiskBuffer> data) {
    header_ = {.type = type, .reserved = 0, .sector = sector};
    status_ = unanswered;
    std::array<DiskBuffer, size> buffers{};
    std::size_t count = 0;
    buffers[count++] = {&header_, sizeof header_};
    for (const DiskBuffer& each : data)
        buffers[count++] = each;
    buffers[count++] = {const_cast<const std::uint8_t*>(&status_), 1, true};
    chain(0, std::span(buffers).first(count));
}

std::uint8_t DiskDriver::request(RequestType type, std::uint64_t sector,
                                 std::span<const DiskBuffer> data, std::uint64_t ticks) {
    return request(static_cast<std::uint32_t>(type), sector, data, ticks);
}

std::uint8_t DiskDriver::request(std::uint32_t type, std::uint64_t sector,
                                 std::span<const DiskBuffer> data, std::uint64_t ticks) {
    prepare(type, sector, data);
    offer(0);
    notify();
    (void)wait_used(ticks);
    return status_;
}

}  // namespace cairn::guest
