// SPDX-License-Identifier: MIT
// What a virtio device is behind its transport, and what the transport is to it. The transport does
// what all devices have in common (kernel/dev/virtio/virtio_mmio.hpp); a function has queues, and
// does what is asked for in them.
//
//     driver ── registers ──► transport ── work ──► function ── BlockStore or the like
//            ◄── interrupt ──           ◄── VirtioPort ──
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "kernel/dev/virtio/dma_memory.hpp"
#include "kernel/dev/virtio/queue/virt_queue.hpp"

namespace cairn {

/// The transport, as its function sees it.
class VirtioPort {
  public:
    /// What the driver has accepted.
    [[nodiscard]] virtual std::uint64_t features() const = 0;
    /// The driver has changed the configuration in another way than by writing to it.
    virtual void config_written() = 0;
    /// Buffers are used, and the driver wants to know.
    virtual void interrupt() = 0;
    /// The driver has done what it must not: the device needs a reset, and does nothing until then.
    virtual void fail(RingFault fault) = 0;
    /// A sentence for the log, without a full stop.
    virtual void complain(std::string_view sentence) = 0;

  protected:
    ~VirtioPort() = default;
};

class VirtioFunction {
  public:
    /// Section 5 "Device Types".
    [[nodiscard]] virtual std::uint32_t device_id() const = 0;
    /// What it offers beside what its transport does.
    [[nodiscard]] virtual std::uint64_t features() const = 0;
    /// Its configuration; where it changes, its transport is told (VirtioMmio::config_changed).
    [[nodiscard]] virtual std::span<const std::byte> config() const = 0;
    /// Its driver writes to it: 1, 2 or 4 bytes. Most have nothing that can be written to.
    virtual void write_config(std::uint64_t /*offset*/, std::span<const std::byte> /*bytes*/) {}
    [[nodiscard]] virtual std::span<VirtQueue> queues() = 0;

    /// Does what is in its queues, one of which may be ready; whether there is more when the turn
    /// is over.
    [[nodiscard]] virtual bool work(DmaTurn& turn, VirtioPort& port) = 0;
    /// Whether none of its requests is in flight; `work` is not called from where this says no
    /// until it has said yes.
    [[nodiscard]] virtual bool lets_go() { return true; }
    /// Forgets what it has taken from `queue`, which is about to be stopped or reset. `lets_go` has
    /// just said yes.
    virtual void forget(const VirtQueue& queue) = 0;

  protected:
    ~VirtioFunction() = default;
};

/// The next bytes of `from` into `to`; false where there are not so many, or there is no memory.
[[nodiscard]] inline bool take_bytes(BufferStream& from, std::span<std::byte> to, DmaTurn& turn) {
    if (from.left() < to.size()) return false;
    while (!to.empty()) {
        const GuestRange part = from.front(to.size());
        if (!turn.copy_out(part.base, to.first(part.size))) return false;
        from.advance(part.size);
        to = to.subspan(part.size);
    }
    return true;
}

/// The same of a T.
template <class T>
[[nodiscard]] bool take_value(BufferStream& from, T& to, DmaTurn& turn) {
    const GuestRange whole = from.front(sizeof(T));
    if (whole.size != sizeof(T))
        return take_bytes(from, std::as_writable_bytes(std::span(&to, 1)), turn);
    from.advance(sizeof(T));
    return turn.load(whole.base, to);
}

/// How `work` ends for a function of one queue that has found out `more`: the driver is interrupted
/// where it wants to be, and a ring that is wrong fails the device. What `work` returns.
[[nodiscard]] inline bool end_work(VirtQueue& queue, const VirtQueue::Answer& more, DmaTurn& turn,
                                   VirtioPort& port) {
    const VirtQueue::Answer due = more ? queue.is_interrupt_due(turn) : more;
    if (!due) {
        port.fail(due.error());
        return false;
    }
    if (*due) port.interrupt();
    return *more;
}

}  // namespace cairn
