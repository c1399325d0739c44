// SPDX-License-Identifier: MIT
// A VM's balloon: the device that the guest sees, which of its pages are in it, and what becomes of
// their frames (docs/adr/0042-memory-that-comes-back.md).
//
//     guest ──► GuestVirtio ──► VirtioBalloon ──► GuestBalloon ──► GuestRam ──► FramePool
//                                                  │ a bit a page    ▲
//                                                  └── a chunk of 2 MiB is all in it: given back
//                                                      a page of it is taken out: taken back
//
// What a guest wants back and the machine has not is looked for again every hundredth of a second;
// the guest's request waits. On the VM's heap; it ends before its VM does. All of it is the VM's
// device lock's.
#pragma once

#include <atomic>
#include <cstdint>

#include <cairn/vector.hpp>
#include "kernel/dev/virtio/virtio_balloon.hpp"
#include "kernel/vm/memory/guest_ram.hpp"
#include "kernel/vm/virtio/guest_virtio.hpp"

namespace cairn {

class GuestBalloon final : private BalloonMemory {
  public:
    /// Bytes, as far as they are known.
    struct Figures {
        std::uint64_t memory = 0;      ///< of the VM
        std::uint64_t target = 0;      ///< that the guest is to keep
        std::uint64_t inside = 0;      ///< in the balloon
        std::uint64_t given_back = 0;  ///< that others may have
        bool is_waiting = false;       ///< the guest wants some back, and the machine has none
        VirtioBalloon::Stats stats{};  ///< what the guest has said last
    };

    /// All that is borrowed outlives it. `ticks_per_second` are `time`'s.
    GuestBalloon(GuestRam& ram, VmMemory& memory, DeviceTasks& tasks,
                 std::uint64_t ticks_per_second);
    GuestBalloon(const GuestBalloon&) = delete;
    GuestBalloon& operator=(const GuestBalloon&) = delete;
    ~GuestBalloon() { tasks_.forget(rest_); }

    /// What a VM with so much RAM needs for it of the hypervisor's memory.
    [[nodiscard]] static constexpr std::uint64_t most_memory(std::uint64_t ram) {
        return sizeof(GuestBalloon) + ram / page_size / 8;
    }
    /// Once, before anything else; false where there is no memory for it.
    [[nodiscard]] bool take_memory();
    [[nodiscard]] GuestVirtio& port() { return port_; }

    // For one at a time, who does not wait for the lock.
    /// Asks the guest to keep `bytes` of its RAM, and no more.
    void want(std::uint64_t bytes);
    /// Asks it for new statistics as well. Where the devices are busy, what is inside, is waiting
    /// and was said is as it was the last time.
    [[nodiscard]] Figures figures();

  private:
    static constexpr std::uint64_t page_size = 1 << virtio_balloon::page_bits;
    static constexpr std::uint64_t pages_of_word = 64;
    static constexpr std::size_t words_of_chunk = GuestRam::chunk_size / page_size / pages_of_word;

    /// Frees frames when nobody can be at them any more, and tells the guest what it is to keep
    /// where its devices were busy.
    struct Rest final : DeviceTask {
        explicit Rest(GuestBalloon& its_balloon) : balloon(its_balloon) {}
        bool work() override;
        GuestBalloon& balloon;
    };

    bool put_in(GuestPhys page) override;
    [[nodiscard]] bool take_out(GuestPhys page) override;
    void discard(GuestRange range) override { ram_.discard(range); }
    void empty() override;
    [[nodiscard]] bool tell_wanted();
    [[nodiscard]] bool is_chunk_inside(std::uint64_t page) const;
    void look_in(DeviceTask& task, std::uint64_t hundredths);

    GuestRam& ram_;
    const GuestMemory memory_;
    DeviceTasks& tasks_;
    const std::uint64_t ticks_per_second_;
    vector<std::uint64_t, VmAllocator<std::uint64_t>> pages_;  ///< a bit each: it is inside
    std::uint64_t inside_ = 0;                                 ///< pages
    std::atomic<std::uint32_t> wanted_ = 0;                    ///< pages
    std::atomic<bool> is_told_ = true;                         ///< of `wanted_`, the guest
    Figures known_;                                            ///< of the last that were asked for
    VirtioBalloon balloon_{*this};
    GuestVirtio port_;
    Rest rest_{*this};
};

}  // namespace cairn
