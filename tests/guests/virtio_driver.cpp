// SPDX-License-Identifier: MIT
#include "tests/guests/virtio_driver.hpp"

#include "kernel/arch/isa/csr_access.hpp"

namespace cairn::guest {
namespace {

constexpr std::uint64_t first_slot = 0x1000'1000;
constexpr std::uint64_t slot_size = 0x1000;

std::uint64_t address_of(const volatile void* object) {
    return reinterpret_cast<std::uint64_t>(object);
}

/// Between memory and device registers.
void fence_all() {
    asm volatile("fence iorw, iorw" : : : "memory");
}

}  // namespace

std::uint64_t read_time() {
    return csr_read<Csr::time>();
}

void wait_a_little() {
    const std::uint64_t end = read_time() + ticks_per_second / 20;
    while (read_time() < end) {
    }
}

void DriverRing::clear() {
    descriptors_ = {};
    avail_ = {};
    used_ = {};
    offered_ = seen_ = 0;
}

void DriverRing::describe(std::uint16_t index, const virtio_ring::Descriptor& descriptor) {
    descriptors_[index] = descriptor;
}

void DriverRing::chain(std::uint16_t first, std::span<const DriverBuffer> buffers) {
    auto index = first;
    for (const DriverBuffer& buffer : buffers) {
        const bool last = &buffer == &buffers.back();
        const auto flags = static_cast<std::uint16_t>(
            (last ? 0 : virtio_ring::desc_next) | (buffer.writable ? virtio_ring::desc_write : 0));
        const auto next = static_cast<std::uint16_t>(last ? 0 : index + 1);
        describe(index, {address_of(buffer.at), buffer.size, flags, next});
        ++index;
    }
}

void DriverRing::offer(std::uint16_t head) {
    avail_[2 + offered_ % size] = head;
    ++offered_;
    fence_all();
    avail_index().store(offered_);
    fence_all();
}

std::uint16_t DriverRing::used_index() const {
    fence_all();
    return const_cast<const volatile std::uint16_t&>(used_.idx);
}

virtio_ring::UsedElement DriverRing::last_used() const {
    fence_all();
    return used_.ring[(used_index() - 1u) % size];
}

bool DriverRing::wait_used(std::uint64_t ticks) {
    const auto next = static_cast<std::uint16_t>(seen_ + 1);
    if (!comes_true([&] { return used_index() == next; }, ticks)) return false;
    seen_ = next;
    return true;
}

void DriverRing::set_avail_flags(std::uint16_t flags) {
    avail_[0] = flags;
    fence_all();
}

void DriverRing::set_used_event(std::uint16_t event) {
    avail_[2 + size] = event;
    fence_all();
}

VirtioDriver::VirtioDriver(unsigned slot) : base_(first_slot + slot * slot_size) {}

std::uint32_t VirtioDriver::get(Register which) const {
    fence_all();
    return *reinterpret_cast<const volatile std::uint32_t*>(base_ +
                                                            static_cast<std::uint64_t>(which));
}

void VirtioDriver::set(Register which, std::uint32_t value) const {
    fence_all();
    *reinterpret_cast<volatile std::uint32_t*>(base_ + static_cast<std::uint64_t>(which)) = value;
    fence_all();
}

std::uint64_t VirtioDriver::offered() const {
    set(Register::device_features_sel, 1);
    const std::uint64_t high = get(Register::device_features);
    set(Register::device_features_sel, 0);
    return high << 32 | get(Register::device_features);
}

std::uint32_t VirtioDriver::negotiate(std::uint64_t features) const {
    using namespace virtio::status;
    set(Register::status, 0);
    set(Register::status, acknowledge);
    set(Register::status, acknowledge | driver);
    set(Register::driver_features_sel, 0);
    set(Register::driver_features, static_cast<std::uint32_t>(features));
    set(Register::driver_features_sel, 1);
    set(Register::driver_features, static_cast<std::uint32_t>(features >> 32));
    set(Register::status, acknowledge | driver | features_ok);
    return get(Register::status);
}

void VirtioDriver::set_up(std::uint32_t queue, DriverRing& ring) const {
    ring.clear();
    set(Register::queue_sel, queue);
    set(Register::queue_num, DriverRing::size);
    const auto address = [this](Register low, Register high, const void* part) {
        set(low, static_cast<std::uint32_t>(address_of(part)));
        set(high, static_cast<std::uint32_t>(address_of(part) >> 32));
    };
    address(Register::queue_desc_low, Register::queue_desc_high, ring.descriptors_.data());
    address(Register::queue_avail_low, Register::queue_avail_high, ring.avail_.data());
    address(Register::queue_used_low, Register::queue_used_high, &ring.used_);
    set(Register::queue_ready, 1);
}

bool VirtioDriver::waits_for_reset(std::uint64_t ticks) const {
    return comes_true([this] { return (get(Register::status) & virtio::status::needs_reset) != 0; },
                      ticks);
}

}  // namespace cairn::guest
