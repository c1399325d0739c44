// SPDX-License-Identifier: MIT
// Compiled: small, for the target alone. It runs once per boot or per start of a guest.
#include "kernel/manager/console_multiplexer.hpp"

#include "kernel/host/drivers/console.hpp"
#include "kernel/host/drivers/interrupt_router.hpp"

namespace cairn {
namespace {

/// What guests have left in the machine's UART keeps its interrupt from coming again.
class ConsoleMultiplexer final : public ByteSink, public InputSource, public InterruptHandler {
  public:
    void put(std::byte byte) override { console_write_guest(static_cast<char>(byte)); }
    void put(std::span<const std::byte> bytes) override {
        console_write_guest({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    }

    std::optional<uart16550::Character> take() override {
        const auto next = console_read();
        if (!next) host_interrupts().finish(HostSource::console);
        return next;
    }

    void interrupted() override {
        if (reader_ != nullptr) reader_->input_arrived();
    }
    void read_by(InputReceiver& guest) {
        reader_ = &guest;
        host_interrupts().handle_by(HostSource::console, *this);
    }

  private:
    InputReceiver* reader_ = nullptr;
};
constinit ConsoleMultiplexer multiplexer;

}  // namespace

GuestConsole guest_console() {
    return {.output = multiplexer, .input = multiplexer};
}

void give_console_input_to(InputReceiver& guest) {
    multiplexer.read_by(guest);
}

}  // namespace cairn
