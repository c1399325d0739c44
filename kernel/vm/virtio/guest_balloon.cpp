// SPDX-License-Identifier: MIT
// Compiled: small. Guests seldom ask for it.
#include "kernel/vm/virtio/guest_balloon.hpp"

#include <algorithm>

#include "kernel/arch/isa/csr_access.hpp"
#include "kernel/vm/vm.hpp"

namespace cairn {

GuestBalloon::GuestBalloon(GuestRam& ram, VmMemory& memory, DeviceTasks& tasks,
                           std::uint64_t ticks_per_second)
    : ram_(ram),
      memory_(ram.memory()),
      tasks_(tasks),
      ticks_per_second_(ticks_per_second),
      pages_(VmAllocator<std::uint64_t>(memory.heap())),
      port_(balloon_, VirtioBalloon::kind, {.kind = "balloon", .name = {}}, memory_, tasks) {}

bool GuestBalloon::take_memory() {
    const std::uint64_t words = memory_.range().size / page_size / pages_of_word;
    return pages_.try_resize(words, 0).has_value();
}

void GuestBalloon::want(std::uint64_t bytes) {
    const std::uint64_t all = memory_.range().size;
    const std::uint64_t wanted = (all - std::min(bytes, all)) / page_size;
    wanted_.store(static_cast<std::uint32_t>(std::min<std::uint64_t>(wanted, ~0u)));
    is_told_.store(false);
    if (tell_wanted()) return;
    tasks_.want_soon(rest_);
    if (loaded_vcpu != nullptr) loaded_vcpu->leave_guest();
}

/// False where the devices are busy.
bool GuestBalloon::tell_wanted() {
    DeviceLock& lock = port_.lock();
    if (!lock.lock_unless_busy()) return false;
    is_told_.store(true);  // first: what is wanted meanwhile is told again
    balloon_.want_pages(wanted_.load());
    port_.device().config_changed();
    lock.unlock();
    return true;
}

GuestBalloon::Figures GuestBalloon::figures() {
    DeviceLock& lock = port_.lock();
    if (lock.lock_unless_busy()) {
        balloon_.want_stats();
        tasks_.want(port_);
        known_.inside = inside_ * page_size;
        known_.is_waiting = balloon_.is_waiting();
        known_.stats = balloon_.stats();
        lock.unlock();
    }
    known_.memory = memory_.range().size;
    known_.target = known_.memory - std::uint64_t{wanted_.load()} * page_size;
    known_.given_back = ram_.given_back_bytes();
    return known_;
}

bool GuestBalloon::is_chunk_inside(std::uint64_t page) const {
    const std::uint64_t first = page / pages_of_word / words_of_chunk * words_of_chunk;
    return std::ranges::all_of(std::span(pages_).subspan(first, words_of_chunk),
                               [](std::uint64_t word) { return ~word == 0; });
}

bool GuestBalloon::put_in(GuestPhys page) {
    if (!memory_.holds(page, page_size)) return false;
    const std::uint64_t number = (page - memory_.range().base) / page_size;
    std::uint64_t& word = pages_[number / pages_of_word];
    const std::uint64_t bit = std::uint64_t{1} << number % pages_of_word;
    if ((word & bit) != 0) return false;
    word |= bit;
    ++inside_;
    if (~word != 0 || !is_chunk_inside(number) || !ram_.give_back(page)) return false;
    look_in(rest_, 0);
    return true;
}

bool GuestBalloon::take_out(GuestPhys page) {
    if (!memory_.holds(page, page_size)) return true;
    if (!ram_.take_back(page)) {
        look_in(port_, 1);
        return false;
    }
    const std::uint64_t number = (page - memory_.range().base) / page_size;
    std::uint64_t& word = pages_[number / pages_of_word];
    const std::uint64_t bit = std::uint64_t{1} << number % pages_of_word;
    if ((word & bit) != 0) --inside_;
    word &= ~bit;
    return true;
}

/// What was given back comes again as it is touched.
void GuestBalloon::empty() {
    std::ranges::fill(pages_, 0);
    inside_ = 0;
}

/// A vCPU that has brought it about leaves its guest, for its hart to see when it has to be awake.
void GuestBalloon::look_in(DeviceTask& task, std::uint64_t hundredths) {
    const std::uint64_t ticks = hundredths * (ticks_per_second_ / 100);
    tasks_.want_at(task, hundredths == 0 ? DeviceTasks::at_once : csr_read<Csr::time>() + ticks);
    if (loaded_vcpu != nullptr) loaded_vcpu->leave_guest();
}

/// RAM has a lock of its own.
bool GuestBalloon::Rest::work() {
    if (!balloon.is_told_.load() && !balloon.tell_wanted()) balloon.tasks_.want_soon(*this);
    if (!balloon.ram_.drain()) balloon.look_in(*this, 1);
    return false;
}

}  // namespace cairn
