// SPDX-License-Identifier: MIT
#include "kernel/dev/virtio/queue/virt_queue.hpp"

#include <bit>
#include <utility>

#include <cairn/bits.hpp>
#include "kernel/arch/devices/virtio_device.hpp"

namespace cairn {

std::optional<RingFault> VirtQueue::fault_of_setup(const DmaMemory& memory) const {
    const std::uint32_t size = setup_.size;
    if (size == 0 || size > max_size || (!is_packed_ && !std::has_single_bit(size)))
        return RingFault::bad_size;
    const auto& [descriptors, driver, device] = parts_.areas;
    for (const RingArea* area : {&descriptors, &driver, &device})
        if (!is_aligned(area->where.base.value, area->alignment)) return RingFault::misaligned;
    for (const RingArea* area : {&descriptors, &driver, &device})
        if (!memory.holds(area->where)) return RingFault::outside_ram;
    return std::nullopt;
}

VirtQueue::Done VirtQueue::start(const DmaMemory& memory, std::uint64_t features) {
    const std::uint32_t size = setup_.size;
    is_packed_ = (features & virtio::feature::ring_packed) != 0;
    parts_ = {};
    parts_.size = size;
    parts_.has_indirect = (features & virtio::feature::ring_indirect_desc) != 0;
    parts_.has_event_index = (features & virtio::feature::ring_event_idx) != 0;
    parts_.areas.descriptors = {{setup_.descriptors, virtio_ring::descriptor_at(size)},
                                virtio_ring::descriptor_alignment};
    parts_.areas.driver =
        is_packed_ ? PackedRing::area(setup_.driver) : SplitRing::driver_area(setup_.driver, size);
    parts_.areas.device =
        is_packed_ ? PackedRing::area(setup_.device) : SplitRing::device_area(setup_.device, size);
    if (const auto fault = fault_of_setup(memory)) return std::unexpected(*fault);
    split_ = {};
    packed_ = {};
    fresh_ = 0;
    awaits_ = false;
    ready_ = true;
    return {};
}

void VirtQueue::reset() {
    setup_ = {};
    ready_ = false;
}

VirtQueue::Answer VirtQueue::has_more_than(DmaTurn& turn, std::uint32_t entries) {
    return is_packed_ ? packed_.has_more_than(turn, parts_, entries)
                      : split_.has_more_than(turn, parts_, entries);
}

VirtQueue::Answer VirtQueue::take(DmaTurn& turn, DescriptorChain& chain) {
    awaits_ = false;
    return is_packed_ ? packed_.take(turn, parts_, chain) : split_.take(turn, parts_, chain);
}

VirtQueue::Done VirtQueue::give_back(DmaTurn& turn, ChainToken chain, std::uint32_t written) {
    fresh_ += chain.entries;
    return is_packed_ ? packed_.give_back(turn, parts_, chain, written)
                      : split_.give_back(turn, parts_, chain, written);
}

VirtQueue::Answer VirtQueue::is_interrupt_due(DmaTurn& turn) {
    const std::uint32_t entries = std::exchange(fresh_, 0);
    if (entries == 0) return false;
    return is_packed_ ? packed_.wants_interrupt(turn, parts_, entries)
                      : split_.wants_interrupt(turn, parts_, entries);
}

VirtQueue::Answer VirtQueue::await_more(DmaTurn& turn) {
    const bool asks = !std::exchange(awaits_, true);
    return is_packed_ ? packed_.await_more(turn, parts_, asks)
                      : split_.await_more(turn, parts_, asks);
}

void VirtQueue::put_back(std::uint32_t entries) {
    is_packed_ ? packed_.put_back(parts_, entries) : split_.put_back(entries);
    awaits_ = false;
}

VirtQueue::Done VirtQueue::write_used(DmaTurn& turn, ChainToken chain, std::uint32_t written) {
    fresh_ += chain.entries;
    return is_packed_ ? packed_.write_used(turn, parts_, chain, written)
                      : split_.write_used(turn, parts_, chain, written);
}

VirtQueue::Done VirtQueue::show_used(DmaTurn& turn) {
    return is_packed_ ? packed_.show_used(turn, parts_) : split_.show_used(turn, parts_);
}

}  // namespace cairn
