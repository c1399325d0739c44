// SPDX-License-Identifier: MIT
#include "tests/guests/disk_check/disk_driver.hpp"

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

DiskDriver::DiskDriver(unsigned slot) : base_(first_slot + slot * slot_size) {}

std::uint32_t DiskDriver::get(Register which) const {
    fence_all();
    return *reinterpret_cast<const volatile std::uint32_t*>(base_ +
                                                            static_cast<std::uint64_t>(which));
}

void DiskDriver::set(Register which, std::uint32_t value) const {
    fence_all();
    *reinterpret_cast<volatile std::uint32_t*>(base_ + static_cast<std::uint64_t>(which)) = value;
    fence_all();
}

std::uint64_t DiskDriver::offered() const {
    set(Register::device_features_sel, 1);
    const std::uint64_t high = get(Register::device_features);
    set(Register::device_features_sel, 0);
    return high << 32 | get(Register::device_features);
}

std::uint32_t DiskDriver::negotiate(std::uint64_t features) const {
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

void DiskDriver::set_up_queue() {
    descriptors_ = {};
    avail_ = {};
    used_ = {};
    offered_ = seen_ = 0;
    set(Register::queue_sel, 0);
    set(Register::queue_num, size);
    const auto address = [this](Register low, Register high, const void* part) {
        set(low, static_cast<std::uint32_t>(address_of(part)));
        set(high, static_cast<std::uint32_t>(address_of(part) >> 32));
    };
    address(Register::queue_desc_low, Register::queue_desc_high, descriptors_.data());
    address(Register::queue_avail_low, Register::queue_avail_high, avail_.data());
    address(Register::queue_used_low, Register::queue_used_high, &used_);
    set(Register::queue_ready, 1);
}

void DiskDriver::start(std::uint64_t features) {
    const std::uint32_t status = negotiate(features);
    set_up_queue();
    set(Register::status, status | virtio::status::driver_ok);
}

void DiskDriver::describe(std::uint16_t index, const virtio_ring::Descriptor& descriptor) {
    descriptors_[index] = descriptor;
}

void DiskDriver::chain(std::uint16_t first, std::span<const DiskBuffer> buffers) {
    auto index = first;
    for (const DiskBuffer& buffer : buffers) {
        const bool last = &buffer == &buffers.back();
        const auto flags = static_cast<std::uint16_t>(
            (last ? 0 : virtio_ring::desc_next) | (buffer.writable ? virtio_ring::desc_write : 0));
        const auto next = static_cast<std::uint16_t>(last ? 0 : index + 1);
        describe(index, {address_of(buffer.at), buffer.size, flags, next});
        ++index;
    }
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

void DiskDriver::offer(std::uint16_t head) {
    avail_[2 + offered_ % size] = head;
    ++offered_;
    fence_all();
    avail_index().store(offered_);
    fence_all();
}

std::uint16_t DiskDriver::used_index() const {
    fence_all();
    return const_cast<const volatile std::uint16_t&>(used_.idx);
}

virtio_ring::UsedElement DiskDriver::last_used() const {
    fence_all();
    return used_.ring[(used_index() - 1u) % size];
}

bool DiskDriver::wait_used() {
    const auto next = static_cast<std::uint16_t>(seen_ + 1);
    if (!comes_true([&] { return used_index() == next; })) return false;
    seen_ = next;
    return true;
}

std::uint8_t DiskDriver::request(RequestType type, std::uint64_t sector,
                                 std::span<const DiskBuffer> data) {
    return request(static_cast<std::uint32_t>(type), sector, data);
}

std::uint8_t DiskDriver::request(std::uint32_t type, std::uint64_t sector,
                                 std::span<const DiskBuffer> data) {
    prepare(type, sector, data);
    offer(0);
    notify();
    (void)wait_used();
    return status_;
}

bool DiskDriver::waits_for_reset() const {
    return comes_true(
        [this] { return (get(Register::status) & virtio::status::needs_reset) != 0; });
}

void DiskDriver::set_avail_flags(std::uint16_t flags) {
    avail_[0] = flags;
    fence_all();
}

void DiskDriver::set_used_event(std::uint16_t event) {
    avail_[2 + size] = event;
    fence_all();
}

}  // namespace cairn::guest
