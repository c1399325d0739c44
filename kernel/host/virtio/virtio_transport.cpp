// SPDX-License-Identifier: MIT
#include "kernel/host/virtio/virtio_transport.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include "kernel/arch/devices/virtio_device.hpp"
#include "kernel/arch/guest/hart_operations.hpp"

namespace cairn {
namespace {

namespace feature = virtio::feature;
namespace status = virtio::status;

constexpr unsigned word_bits = 32;
/// A device may need some time for a reset, and QEMU's none.
constexpr int reset_looks = 100'000;
/// A configuration that changes so often is not waited for.
constexpr int config_looks = 100;

}  // namespace

std::string_view to_string(VirtioFault fault) {
    switch (fault) {
        case VirtioFault::no_virtio: return "it has no magic value of virtio's";
        case VirtioFault::unknown_version: return "its version is neither 1 nor 2";
        case VirtioFault::no_reset: return "it cannot be reset";
        case VirtioFault::no_version_1: return "it says version 2, and does not offer VERSION_1";
        case VirtioFault::features_refused: return "it refuses what it has offered";
        case VirtioFault::queue_in_use: return "its queue is in use after a reset";
        case VirtioFault::queue_too_small: return "its queue is not there or too small";
        case VirtioFault::queue_too_far: return "it cannot reach Cairn's memory";
        case VirtioFault::bad_config: return "its configuration makes no sense";
        case VirtioFault::silent: return "it does not answer";
        case VirtioFault::no_ports: return "it has no ports with names";
        case VirtioFault::no_memory: return "the heap has no room for its buffers";
    }
    std::unreachable();
}

std::expected<std::uint32_t, VirtioFault> VirtioTransport::identify() {
    if (get(Register::magic_value) != virtio_mmio::magic)
        return std::unexpected(VirtioFault::no_virtio);
    const std::uint32_t version = get(Register::version);
    is_legacy_ = version == virtio_mmio::legacy_version;
    if (!is_legacy_ && version != virtio_mmio::modern_version)
        return std::unexpected(VirtioFault::unknown_version);
    return get(Register::device_id);
}

bool VirtioTransport::stop() {
    set(Register::status, 0);
    for (int looks = 0; looks < reset_looks; ++looks)
        if (has_stopped()) return true;
    return false;
}

/// A legacy device has the lower word alone (section 6.3).
std::uint64_t VirtioTransport::offered() {
    set(Register::device_features_sel, 0);
    std::uint64_t bits = get(Register::device_features);
    if (is_legacy_) return bits;
    set(Register::device_features_sel, 1);
    bits |= std::uint64_t{get(Register::device_features)} << word_bits;
    return bits;
}

/// Section 3.1.1 "Driver Requirements: Device Initialization", and 3.1.2 of legacy devices.
VirtioTransport::Done VirtioTransport::negotiate(std::uint64_t wanted) {
    if (!stop()) return std::unexpected(VirtioFault::no_reset);
    set(Register::status, status_ = status::acknowledge);
    set(Register::status, status_ |= status::driver);
    const std::uint64_t can = offered();
    if (!is_legacy_) {
        if ((can & feature::version_1) == 0) return std::unexpected(VirtioFault::no_version_1);
        wanted |= feature::version_1;
    }
    features_ = can & wanted;
    set(Register::driver_features_sel, 0);
    set(Register::driver_features, static_cast<std::uint32_t>(features_));
    if (is_legacy_) {
        set(Register::guest_page_size, DriverQueue::legacy_alignment);
        return {};
    }
    set(Register::driver_features_sel, 1);
    set(Register::driver_features, static_cast<std::uint32_t>(features_ >> word_bits));
    set(Register::status, status_ |= status::features_ok);
    if ((get(Register::status) & status::features_ok) == 0)
        return std::unexpected(VirtioFault::features_refused);
    return {};
}

VirtioTransport::Done VirtioTransport::add_queue(std::uint32_t index, DriverQueue& queue,
                                                 std::uint32_t least) {
    set(Register::queue_sel, index);
    const Register in_use = is_legacy_ ? Register::queue_pfn : Register::queue_ready;
    if (get(in_use) != 0) return std::unexpected(VirtioFault::queue_in_use);
    const std::uint32_t size =
        std::bit_floor(std::min(get(Register::queue_num_max), DriverQueue::max_size));
    if (size < least) return std::unexpected(VirtioFault::queue_too_small);
    queue.start(size);
    set(Register::queue_num, size);
    return place(queue);
}

void VirtioTransport::set_address(Register low, Register high, HostPhys address) {
    set(low, static_cast<std::uint32_t>(address.value));
    set(high, static_cast<std::uint32_t>(address.value >> word_bits));
}

/// Section 4.2.3.2; 4.2.4 for legacy devices, which find all parts by the number of the first page.
VirtioTransport::Done VirtioTransport::place(const DriverQueue& queue) {
    if (is_legacy_) {
        const std::uint64_t page = queue.descriptors().value / DriverQueue::legacy_alignment;
        if (page >> word_bits != 0) return std::unexpected(VirtioFault::queue_too_far);
        set(Register::queue_align, DriverQueue::legacy_alignment);
        set(Register::queue_pfn, static_cast<std::uint32_t>(page));
        return {};
    }
    set_address(Register::queue_desc_low, Register::queue_desc_high, queue.descriptors());
    set_address(Register::queue_avail_low, Register::queue_avail_high, queue.driver_area());
    set_address(Register::queue_used_low, Register::queue_used_high, queue.device_area());
    set(Register::queue_ready, 1);
    return {};
}

void VirtioTransport::go() {
    set(Register::status, status_ |= status::driver_ok);
}

/// What lies in memory is there before the device is told, and what the device says of its events
/// before what it has written is looked at.
void VirtioTransport::notify(std::uint32_t queue) {
    fence_csrs_and_memory();
    set(Register::queue_notify, queue);
}

std::uint32_t VirtioTransport::take_events() {
    const std::uint32_t events = get(Register::interrupt_status);
    set(Register::interrupt_ack, events);
    fence_csrs_and_memory();
    return events;
}

/// Section 2.5.1: it is of one moment where the generation is the same before and after.
void VirtioTransport::read_config(std::uint64_t at, std::span<std::byte> to) {
    for (int looks = 0; looks < config_looks; ++looks) {
        const std::uint32_t before = is_legacy_ ? 0 : get(Register::config_generation);
        for (std::size_t n = 0; n < to.size(); ++n)
            to[n] = static_cast<std::byte>(registers_->read_config(at + n));
        if (is_legacy_ || get(Register::config_generation) == before) return;
    }
}

}  // namespace cairn
