// SPDX-License-Identifier: MIT
// Every emulated device on one bus at a guest's addresses, under a guest that does anything: any
// access of any width anywhere, and any console input. Nothing may crash or be undefined, and:
// the PLIC acts like its model, the UART's wire is up exactly while IIR names an interrupt, and
// console bytes that were accepted come out of RBR in order until a reset of the FIFO; the clock's
// alarm is looked for at its time, and interrupts once it has come.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <span>
#include <vector>

#include "kernel/dev/bus.hpp"
#include "kernel/dev/goldfish_rtc.hpp"
#include "kernel/dev/plic.hpp"
#include "kernel/dev/syscon.hpp"
#include "kernel/dev/uart16550.hpp"
#include "tests/fuzz/input.hpp"
#include "tests/unit/device_doubles.hpp"
#include "tests/unit/plic_model.hpp"

using namespace cairn;

namespace {

constexpr PlicConfig plic_config{.sources = 95, .contexts = 8};
constexpr std::uint32_t uart_source = 10;
constexpr GuestPhys syscon_base{0x10'0000};
constexpr GuestPhys rtc_base{0x10'1000};
constexpr std::uint32_t rtc_source = 11;
constexpr GuestPhys plic_base{0xc00'0000};
constexpr GuestPhys uart_base{0x1000'0000};

void check(bool condition) {
    if (!condition) std::abort();
}

class Nowhere final : public ByteSink, public PowerEvents {
  public:
    void put(std::byte) override {}
    void power_off(bool, std::uint16_t) override {}
    void reset() override {}
};

class Wire final : public InterruptLine {
  public:
    void set(bool asserted) override { up = asserted; }
    bool up = false;
};

/// The time that a clock shows, and when it wants to be looked at.
class Time final : public WallClock, public AlarmOwner {
  public:
    std::uint64_t now() override { return time; }
    void look_in(std::uint64_t nanoseconds) override { wait = nanoseconds; }
    std::uint64_t time = 0;
    std::uint64_t wait = 0;
};

/// A device's wire on its way into the PLIC and, in step, into the model.
class Tee final : public InterruptLine {
  public:
    Tee(Plic& plic, test::PlicModel& model, std::uint32_t source)
        : to_(plic.source(source)), model_(model), source_(source) {}
    void set(bool asserted) override {
        up = asserted;
        to_.set(asserted);
        model_.drive(source_, asserted);
    }
    bool up = false;

  private:
    InterruptLine& to_;
    test::PlicModel& model_;
    std::uint32_t source_;
};

using Input = FuzzInput;

class Machine {
  public:
    Machine() {
        check(bus_.attach({syscon_base, Syscon::block_size}, syscon_).has_value());
        check(bus_.attach({rtc_base, 0x1000}, rtc_).has_value());
        rtc_.connect(rtc_wire_);
        check(bus_.attach({plic_base, plic::block_end}, plic_).has_value());
        check(bus_.attach({uart_base, 0x100}, uart_).has_value());
        for (std::uint32_t c = 0; c < plic_config.contexts; ++c)
            plic_.connect(c, lines_[c]);
    }

    void step(Input& input) {
        const auto kind = static_cast<unsigned>(input.take(1));
        const auto width = static_cast<AccessWidth>(1u << (kind >> 6));
        switch (kind % 9) {
            case 0: type(input); break;
            case 1: drive(input); break;
            case 2: access(input, {input.take(8)}, width, (kind & 8) != 0); break;
            case 3: access(input, syscon_base + input.take(1), width, (kind & 8) != 0); break;
            case 8: clock_word(input, (kind & 16) != 0); break;
            case 4:
            case 5: plic_word(input, (kind & 8) != 0); break;
            default: uart_byte(input, (kind & 8) != 0); break;
        }
        verify((kind & 0x10) != 0);
    }

  private:
    void type(Input& input) {
        const auto errors = static_cast<std::uint8_t>(input.take(1) & uart16550::lsr::errors);
        for (const std::byte byte : std::as_bytes(input.run(input.take(1)))) {
            const bool faulty = byte == std::byte{0};
            keyboard_.type({.value = byte, .errors = faulty ? errors : std::uint8_t{0}});
            typed_.push_back(byte);
        }
        uart_.input_arrived();
    }

    void drive(Input& input) {
        const auto id = static_cast<std::uint32_t>(1 + input.take(1) % plic_config.sources);
        if (id == uart_source || id == rtc_source) return;
        const bool up = (input.take(1) & 1) != 0;
        plic_.source(id).set(up);
        model_.drive(id, up);
    }

    /// An access that need not make sense. The PLIC and UART are left to the functions below, whose
    /// effects are modelled, unless the access is refused.
    void access(Input& input, GuestPhys at, AccessWidth width, bool write) {
        const bool modelled = GuestRange{plic_base, plic::block_end}.contains(at) ||
                              GuestRange{uart_base, 8}.contains(at);
        const auto bytes = static_cast<std::uint64_t>(width);
        if (modelled && at.value % bytes == 0 && (bytes == 1 || bytes == 4)) return;
        if (write) {
            static_cast<void>(bus_.write(at, width, input.take(4)));
        } else {
            const auto value = bus_.read(at, width);
            check(!value || bytes == 8 || *value >> bytes * 8 == 0);
        }
    }

    /// Its registers, or time that passes. The machine's clock may be set meanwhile.
    void clock_word(Input& input, bool write) {
        using enum goldfish_rtc::Register;
        const auto at = rtc_base + input.take(1) % 12 * 4;
        if (input.take(1) % 4 == 0) time_.time += input.take(8);
        if (write) {
            check(bus_.write(at, AccessWidth::word, input.take(4)).has_value());
        } else {
            check(bus_.read(at, AccessWidth::word).value_or(~0ull) >> 32 == 0);
        }
        time_.wait = 0;
        rtc_.look();
        const auto status =
            bus_.read(rtc_base + static_cast<std::uint64_t>(alarm_status), AccessWidth::word);
        check(status == (time_.wait != 0 ? 1u : 0u));
        time_.time += time_.wait;
        rtc_.look();
        check(bus_.read(rtc_base + static_cast<std::uint64_t>(alarm_status), AccessWidth::word) ==
              0u);
        check(bus_.write(rtc_base + static_cast<std::uint64_t>(irq_enabled), AccessWidth::word, 1)
                  .has_value());
        if (status == 1u) check(rtc_wire_.up);
    }

    void plic_word(Input& input, bool write) {
        // Sources and contexts are few, so that accesses meet each other.
        const auto id = static_cast<std::uint32_t>(input.take(1) % 100);
        const auto context = static_cast<std::uint32_t>(input.take(1) % 9);
        std::uint64_t offset = 0;
        switch (input.take(1) % 6) {
            case 0: offset = plic::priority(id); break;
            case 1: offset = plic::pending(id); break;
            case 2: offset = plic::enable(context, id); break;
            case 3: offset = plic::threshold(context); break;
            case 4: offset = plic::claim(context); break;
            default: offset = input.take(4) % plic::block_end & ~std::uint64_t{3}; break;
        }
        if (write) {
            const auto value = static_cast<std::uint32_t>(input.take(1 + (input.take(1) & 3)));
            check(bus_.write(plic_base + offset, AccessWidth::word, value).has_value());
            model_.write(offset, value);
        } else {
            const auto value = bus_.read(plic_base + offset, AccessWidth::word);
            check(value == model_.read(offset));
        }
    }

    std::uint8_t uart_read(uart16550::Register which) {
        const GuestPhys at = uart_base + static_cast<std::uint64_t>(which);
        const auto value = bus_.read(at, AccessWidth::byte);
        check(value.has_value() && *value <= 0xff);
        return static_cast<std::uint8_t>(*value);
    }

    void uart_byte(Input& input, bool write) {
        using enum uart16550::Register;
        const auto offset = input.take(1) % 8;
        const auto which = static_cast<uart16550::Register>(offset);
        const auto value = input.take(1);
        if (write) {
            // These may throw received bytes away or mix them with looped-back ones.
            if (which == fcr || (which == mcr && (value & 0x10) != 0)) in_order_ = false;
            check(bus_.write(uart_base + offset, AccessWidth::byte, value).has_value());
        } else if (which == rbr && (uart_read(lcr) & 0x80) == 0) {
            const bool ready = (uart_read(lsr) & 1) != 0;
            compare(ready, uart_read(rbr));
        } else {
            uart_read(which);
        }
    }

    /// What was read from RBR with what was typed, once both sides are known to be in step.
    void compare(bool ready, std::uint8_t byte) {
        if (in_order_) {
            check(ready == !typed_.empty());
            if (!ready) return;
            check(typed_.front() == std::byte{byte});
            typed_.pop_front();
            return;
        }
        const bool loopback = (uart_read(uart16550::Register::mcr) & 0x10) != 0;
        if (ready || loopback || keyboard_.waiting() != 0) return;
        typed_.clear();
        in_order_ = true;
    }

    void verify(bool uart_too) {
        for (std::uint32_t c = 0; c < plic_config.contexts; ++c) {
            check(lines_[c].up == model_.line(c));
        }
        if (!uart_too) return;  // reading IIR may reset THRE, which must not happen always
        const bool up = uart_wire_.up;
        check(up == ((uart_read(uart16550::Register::iir) & 1) == 0));
    }

    Bus bus_;
    Nowhere nowhere_;
    std::array<Wire, plic_config.contexts> lines_;
    Plic plic_{plic_config};
    test::PlicModel model_{plic_config};
    Tee uart_wire_{plic_, model_, uart_source};
    Tee rtc_wire_{plic_, model_, rtc_source};
    Time time_;
    GoldfishRtc rtc_{time_, time_};
    test::Keyboard keyboard_;
    Uart16550 uart_{nowhere_, keyboard_, uart_wire_};
    Syscon syscon_{nowhere_};
    std::deque<std::byte> typed_;
    bool in_order_ = true;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Machine machine;
    Input input({data, size});
    while (!input.empty())
        machine.step(input);
    return 0;
}
