// SPDX-License-Identifier: MIT
// Who handles which interrupt of the machine's devices. The numbers that the machine's interrupt
// controller knows them by are known to nobody else:
//
//     start_devices ── wire(console, number) ──►┐          ┌── interrupted() ──► handler
//     handler ── handle_by(console, *this) ────►│ a row a  │
//     hart's exit ── serve_next() ─────────────►│ source   │◄── finish(console)
//                                               └──────────┘
//
// A source that is being handled does not interrupt again until `finish`, which may come later and
// on another hart. What is wired, and by whom it is handled, is said before guests run. Pure.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace cairn {

/// The machine's interrupt controller as the harts at hand see it: a PLIC's context, or whatever
/// else hands out numbers and wants them back.
class HostInterruptController {
  public:
    /// Lets interrupts of source `number` through, to the hart at hand; false where that fails.
    [[nodiscard]] virtual bool enable(std::uint32_t number) = 0;
    /// The pending interrupt that the hart is to serve now, or 0.
    [[nodiscard]] virtual std::uint32_t claim() = 0;
    /// It may come again.
    virtual void complete(std::uint32_t number) = 0;

  protected:
    ~HostInterruptController() = default;
};

/// The devices of the machine that interrupt.
enum class HostSource : std::uint8_t { console, virtio };
inline constexpr std::size_t host_virtio_sources = 8;
/// Of virtio slot `slot`, below host_virtio_sources.
[[nodiscard]] constexpr HostSource virtio_source(std::size_t slot) {
    return static_cast<HostSource>(static_cast<std::size_t>(HostSource::virtio) + slot);
}

class InterruptHandler {
  public:
    virtual void interrupted() = 0;

  protected:
    ~InterruptHandler() = default;
};

class InterruptRouter {
  public:
    constexpr InterruptRouter() = default;

    /// Where the numbers come from; outlives the router.
    void start(HostInterruptController& controller) { controller_ = &controller; }
    /// Lets the interrupts of `source`, which the controller knows as `number`, through to the hart
    /// at hand.
    [[nodiscard]] bool wire(HostSource source, std::uint32_t number);
    [[nodiscard]] bool is_wired(HostSource source) const {
        return rows_[static_cast<std::size_t>(source)].number != 0;
    }
    /// `handler` is told of the interrupts of `source` from now on.
    void handle_by(HostSource source, InterruptHandler& handler);

    /// Hands one interrupt to its handler, if one is pending: what else is, is the next exit, so no
    /// device can hold a hart.
    void serve_next();
    /// `source` has been served, and may interrupt again.
    void finish(HostSource source);

  private:
    struct Row {
        std::uint32_t number = 0;  ///< 0: not wired
        InterruptHandler* handler = nullptr;
        std::atomic<bool> is_claimed = false;
    };

    [[nodiscard]] Row& row(HostSource source) { return rows_[static_cast<std::size_t>(source)]; }

    HostInterruptController* controller_ = nullptr;
    std::array<Row, 1 + host_virtio_sources> rows_{};
};

/// The machine's.
[[nodiscard]] InterruptRouter& host_interrupts();

}  // namespace cairn
