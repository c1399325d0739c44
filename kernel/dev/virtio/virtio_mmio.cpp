// SPDX-License-Identifier: MIT
#include "kernel/dev/virtio/virtio_mmio.hpp"

#include <algorithm>
#include <cstring>
#include <span>

#include <cairn/print.hpp>

namespace cairn {
namespace {

namespace feature = virtio::feature;
namespace status = virtio::status;

constexpr std::uint64_t transports_features = feature::ring_indirect_desc |
                                              feature::ring_event_idx | feature::version_1 |
                                              feature::ring_reset;

constexpr unsigned word_bits = 32;

/// Word `select` of 64 bits, of which there are two.
std::uint32_t word_of(std::uint64_t bits, std::uint32_t select) {
    return select < 2 ? static_cast<std::uint32_t>(bits >> (select * word_bits)) : 0;
}

void set_low(GuestPhys& address, std::uint32_t word) {
    address.value = (address.value >> word_bits << word_bits) | word;
}
void set_high(GuestPhys& address, std::uint32_t word) {
    address.value = std::uint64_t{word} << word_bits | static_cast<std::uint32_t>(address.value);
}

/// Whether the driver has memory of queues back behind a write of `value`.
bool takes_queues_back(virtio_mmio::Register which, std::uint64_t value) {
    using Register = virtio_mmio::Register;
    if (which == Register::queue_reset) return value == 1;
    return (which == Register::status || which == Register::queue_ready) && value == 0;
}

}  // namespace

std::expected<std::uint64_t, BusError> VirtioMmio::read(std::uint64_t offset, AccessWidth width) {
    constexpr auto config_at = static_cast<std::uint64_t>(Register::config);
    if (offset >= virtio_mmio::block_size) return std::unexpected(BusError::unmapped);
    if (is_letting_go_ && !has_let_go()) return std::unexpected(BusError::busy);
    if (offset < config_at) {
        if (width != AccessWidth::word) return std::unexpected(BusError::width);
        return read_register(static_cast<Register>(offset));
    }
    if (width == AccessWidth::dword) return std::unexpected(BusError::width);
    const auto config = function_.config();
    std::uint64_t value = 0;  // also of what lies behind the configuration
    const std::uint64_t at = offset - config_at;
    if (at < config.size())
        std::memcpy(&value, &config[at],
                    std::min<std::uint64_t>(static_cast<std::uint64_t>(width), config.size() - at));
    return value;
}

std::expected<void, BusError> VirtioMmio::write(std::uint64_t offset, AccessWidth width,
                                                std::uint64_t value) {
    constexpr auto config_at = static_cast<std::uint64_t>(Register::config);
    if (offset >= virtio_mmio::block_size) return std::unexpected(BusError::unmapped);
    const bool fits = offset < config_at ? width == AccessWidth::word : width != AccessWidth::dword;
    if (!fits) return std::unexpected(BusError::width);
    const auto which = static_cast<Register>(offset);
    if ((is_letting_go_ || takes_queues_back(which, value)) && !has_let_go())
        return std::unexpected(BusError::busy);
    if (which == Register::queue_notify) {
        notify(static_cast<std::uint32_t>(value));
        return {};
    }
    if (offset < config_at) {
        write_register(which, static_cast<std::uint32_t>(value));
    } else {
        const auto bytes = std::as_bytes(std::span(&value, 1));
        function_.write_config(offset - config_at, bytes.first(static_cast<std::size_t>(width)));
    }
    if (which != Register::interrupt_ack) show_changes();
    return {};
}

std::uint64_t VirtioMmio::offered() const {
    return function_.features() | transports_features |
           (offers_packed_rings_ ? feature::ring_packed : 0);
}

/// The one that is selected, or nullptr.
VirtQueue* VirtioMmio::queue() {
    const auto queues = function_.queues();
    return queue_sel_ < queues.size() ? &queues[queue_sel_] : nullptr;
}

/// The same while the driver may say what it is.
VirtQueue* VirtioMmio::queue_in_set_up() {
    VirtQueue* const selected = queue();
    return selected != nullptr && !selected->is_ready() ? selected : nullptr;
}

std::uint32_t VirtioMmio::read_register(Register which) {
    switch (which) {
        case Register::magic_value: return virtio_mmio::magic;
        case Register::version: return virtio_mmio::modern_version;
        case Register::device_id: return function_.device_id();
        case Register::vendor_id: return virtio_mmio::qemu_vendor;
        case Register::device_features: return word_of(offered(), device_features_sel_);
        case Register::interrupt_status: return interrupt_status_;
        case Register::status: return status_;
        case Register::config_generation: return config_generation_;
        case Register::shm_len_low:
        case Register::shm_len_high:
        case Register::shm_base_low:
        case Register::shm_base_high: return virtio_mmio::no_region;
        default: return read_queue(which);
    }
}

/// A queue is reset at once, so `queue_reset` reads 0 always, as all else that is not there.
std::uint32_t VirtioMmio::read_queue(Register which) {
    VirtQueue* const selected = queue();
    if (selected == nullptr) return 0;
    if (which == Register::queue_num_max) return VirtQueue::max_size;
    if (which == Register::queue_ready) return selected->is_ready() ? 1 : 0;
    return 0;
}

void VirtioMmio::write_register(Register which, std::uint32_t value) {
    switch (which) {
        case Register::device_features_sel: device_features_sel_ = value; return;
        case Register::driver_features_sel: driver_features_sel_ = value; return;
        case Register::driver_features: return accept_features(value);
        case Register::queue_sel: queue_sel_ = value; return;
        case Register::interrupt_ack: interrupt_status_ &= ~value; return drive_line();
        case Register::status: return write_status(value);
        default: return write_queue(which, value);
    }
}

void VirtioMmio::write_queue(Register which, std::uint32_t value) {
    VirtQueue* const selected = queue();
    if (selected == nullptr) return;
    if (which == Register::queue_ready) return make_ready(*selected, value);
    if (which == Register::queue_reset) {
        if (value == 1 && (driver_features_ & feature::ring_reset) != 0) {
            drop(*selected);
            selected->reset();
        }
        return;
    }
    if (queue_in_set_up() == nullptr) return;
    VirtQueue::Setup& setup = selected->setup();
    switch (which) {
        case Register::queue_num: setup.size = value; return;
        case Register::queue_desc_low: return set_low(setup.descriptors, value);
        case Register::queue_desc_high: return set_high(setup.descriptors, value);
        case Register::queue_avail_low: return set_low(setup.driver, value);
        case Register::queue_avail_high: return set_high(setup.driver, value);
        case Register::queue_used_low: return set_low(setup.device, value);
        case Register::queue_used_high: return set_high(setup.device, value);
        default: return;
    }
}

void VirtioMmio::accept_features(std::uint32_t value) {
    if ((status_ & status::features_ok) != 0 || driver_features_sel_ >= 2) return;
    const unsigned shift = driver_features_sel_ * word_bits;
    driver_features_ &= ~(std::uint64_t{~std::uint32_t{0}} << shift);
    driver_features_ |= std::uint64_t{value} << shift;
}

/// Section 2.1: bits are set, and cleared by a reset alone. FEATURES_OK stays 0 where the features
/// are not what the device can do (section 2.2.2), and DRIVER_OK without it.
void VirtioMmio::write_status(std::uint32_t value) {
    if (value == 0) return reset();
    std::uint32_t wanted = status_ | (value & status::drivers);
    const bool acceptable =
        (driver_features_ & ~offered()) == 0 && (driver_features_ & feature::version_1) != 0;
    if ((status_ & status::features_ok) == 0 && !acceptable) wanted &= ~status::features_ok;
    if ((wanted & status::features_ok) == 0) wanted &= ~status::driver_ok;
    status_ = wanted;
}

void VirtioMmio::make_ready(VirtQueue& queue, std::uint32_t value) {
    if (value == 0) return drop(queue);
    if (value != 1 || queue.is_ready() || (status_ & status::features_ok) == 0) return;
    if (const auto started = queue.start(memory_, driver_features_); !started)
        fail(started.error());
}

void VirtioMmio::drop(VirtQueue& queue) {
    function_.forget(queue);
    queue.stop();
}

bool VirtioMmio::lets_go() {
    is_letting_go_ = true;
    return function_.lets_go();
}

/// Within an access. What its function would have done meanwhile it does then.
bool VirtioMmio::has_let_go() {
    const bool has_waited = is_letting_go_;
    is_letting_go_ = !lets_go();
    if (has_waited && !is_letting_go_) owner_.want_work();
    return !is_letting_go_;
}

bool VirtioMmio::is_working() const {
    return !is_letting_go_ &&
           (status_ & (status::driver_ok | status::needs_reset)) == status::driver_ok;
}

void VirtioMmio::notify(std::uint32_t queue) {
    const auto queues = function_.queues();
    if (queue < queues.size() && queues[queue].is_ready() && work()) owner_.want_work();
}

bool VirtioMmio::work() {
    if (!is_working()) return false;
    DmaTurn turn(memory_, bytes_of_turn);
    return function_.work(turn, *this) && is_working();
}

/// Section 2.1.2: the driver is told by a notification of a changed configuration, once it is OK.
void VirtioMmio::fail(RingFault fault) {
    FixedBuffer<128> sentence;
    print(sentence, "stands still until its driver resets it: {}", to_string(fault));
    owner_.complain(sentence.view());
    status_ |= status::needs_reset;
    show(Register::status);
    if ((status_ & status::driver_ok) != 0) raise(virtio_mmio::interrupt::config_change);
}

void VirtioMmio::config_changed() {
    ++config_generation_;
    show_changes();
    if ((status_ & status::driver_ok) != 0) raise(virtio_mmio::interrupt::config_change);
}

void VirtioMmio::raise(std::uint32_t event) {
    interrupt_status_ |= event;
    drive_line();
}

void VirtioMmio::drive_line() {
    shown_.put(static_cast<std::uint64_t>(Register::interrupt_status), interrupt_status_);
    const bool up = interrupt_status_ != 0;
    if (up == line_is_up_) return;
    line_is_up_ = up;
    line_->set(up);
}

void VirtioMmio::reset() {
    for (VirtQueue& queue : function_.queues()) {
        function_.forget(queue);
        queue.reset();
    }
    driver_features_ = 0;
    device_features_sel_ = driver_features_sel_ = queue_sel_ = 0;
    interrupt_status_ = status_ = 0;
    is_letting_go_ = false;
    drive_line();
    show_changes();
}

}  // namespace cairn
