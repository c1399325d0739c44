// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>

#include "tests/guests/virtio_check/device_kinds.hpp"

namespace cairn::guest {
namespace {

using Bytes = std::array<std::byte, 8192>;
Bytes first;
Bytes second;
DriverRing ring;

bool is_zero(std::span<const std::byte> bytes) {
    return std::ranges::all_of(bytes, [](std::byte byte) { return byte == std::byte{0}; });
}

}  // namespace

void check_rng(Checks& checks, unsigned slot) {
    const VirtioDriver driver(slot);
    const Subject subject{.checks = checks,
                          .driver = driver,
                          .slot = slot,
                          .device_id = virtio::entropy_device_id,
                          .queues = 1,
                          .queue = 0,
                          .buffer = {&first, 32, true}};
    check_registers(subject);
    check_negotiation(subject);
    check_order(subject);
    start(driver, std::span(&ring, 1));
    first = second = {};
    checks.check(is_used(driver, 0, ring, std::array{DriverBuffer{&first, 64, true}}),
                 "a buffer is filled");
    const std::uint32_t length = ring.last_used().length;
    checks.check(length > 0 && length <= 64, "the used length is that of random bytes");
    checks.check(!is_zero(std::span(first).first(length)), "which are there");
    checks.check(is_zero(std::span(first).subspan(length)), "and no others");
    checks.check(is_used(driver, 0, ring, std::array{DriverBuffer{&second, 64, true}}) &&
                     !std::ranges::equal(std::span(first).first(32), std::span(second).first(32)),
                 "the next are others");
    first = {};
    const std::array pieces{DriverBuffer{&first[100], 3, true}, DriverBuffer{&first[200], 7, true},
                            DriverBuffer{&first[300], 54, true}};
    checks.check(is_used(driver, 0, ring, pieces) && is_zero(std::span(first).first(100)) &&
                     is_zero(std::span(first).subspan(103, 97)),
                 "buffers may be cut anywhere");
    first = {};
    checks.check(is_used(driver, 0, ring, std::array{DriverBuffer{&first, sizeof first, true}}) &&
                     ring.last_used().length > 0 && ring.last_used().length <= sizeof first,
                 "a long buffer is filled, if not whole");
    checks.check(is_zero(std::span(first).subspan(ring.last_used().length)),
                 "as far as the used length says");
    check_interrupts(subject);
    check_indirect(subject);
    check_offences(subject);
    check_queue_reset(subject);
}

}  // namespace cairn::guest
