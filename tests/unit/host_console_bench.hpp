// SPDX-License-Identifier: MIT
// The machine's console device on the bench: a device with ports that come, are opened and closed,
// send to strings and receive what a test says; with its driver and the driver's owner. Like
// QEMU's, the device forgets a control message for which it has no buffer.
#pragma once

#include <cstring>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "kernel/host/virtio/host_console.hpp"
#include "tests/unit/host_virtio_bench.hpp"

namespace cairn::test {

class ConsoleFunction final : public VirtioFunction {
  public:
    static constexpr std::size_t most_ports = 40;
    using Control = virtio_console::Control;

    /// A port as the device has it.
    struct Port {
        std::string name;
        bool open = false;         ///< at the device's end
        bool driver_open = false;  ///< at the driver's
        bool sleeps = false;       ///< takes nothing that is sent
        std::string wire{};        ///< to be received
        std::string sent{};
    };

    std::uint32_t device_id() const override { return virtio::console_device_id; }
    std::uint64_t features() const override { return offers; }
    std::span<const std::byte> config() const override {
        return std::as_bytes(std::span(&says, 1));
    }
    std::span<VirtQueue> queues() override { return queues_; }
    bool work(DmaTurn& turn, VirtioPort& port) override {
        while (auto said = take_control(turn))
            heed(*said);
        while (!to_say.empty() && say(turn)) {
        }
        if (forgets) to_say.clear();
        end(virtio_console::control_transmit_queue, turn, port);
        end(virtio_console::control_receive_queue, turn, port);
        for (auto& [number, each] : ports) {
            while (!each.sleeps && send(number, each, turn)) {
            }
            while (each.driver_open && !each.wire.empty() && receive(number, each, turn)) {
            }
            end(virtio_console::transmit_queue(number), turn, port);
            end(virtio_console::receive_queue(number), turn, port);
        }
        return false;
    }
    void forget(const VirtQueue& /*queue*/) override {}

    void tell(std::uint32_t id, std::uint16_t event, std::uint16_t value = 0,
              std::string_view rest = {}) {
        const Control control{.id = id, .event = event, .value = value};
        std::string message(reinterpret_cast<const char*>(&control), sizeof(control));
        message += rest;
        to_say.push_back(message);
    }
    void set_open(std::uint32_t id, bool open) {
        ports[id].open = open;
        tell(id, virtio_console::event::port_open, open ? 1 : 0);
    }

    std::uint64_t offers = virtio_console::feature::multiport | virtio_console::feature::size;
    virtio_console::Config says{.cols = 0, .rows = 0, .max_nr_ports = 4, .emerg_wr = 0};
    std::map<std::uint32_t, Port> ports;
    std::deque<std::string> to_say;  ///< control messages
    std::vector<Control> heard;
    bool forgets = true;      ///< messages for which there is no buffer
    bool ends_names = false;  ///< with a NUL, as QEMU does
    bool is_mute = false;     ///< it answers no message

  private:
    VirtQueue* ready(std::uint32_t number) {
        return number < queues_.size() && queues_[number].is_ready() ? &queues_[number] : nullptr;
    }
    void end(std::uint32_t number, DmaTurn& turn, VirtioPort& port) {
        if (VirtQueue* const queue = ready(number)) (void)end_work(*queue, false, turn, port);
    }
    /// The driver's next bytes in queue `number`; all of them are used.
    std::optional<std::string> take(std::uint32_t number, DmaTurn& turn) {
        VirtQueue* const queue = ready(number);
        if (queue == nullptr) return std::nullopt;
        const auto taken = queue->take(turn, chain_);
        if (!taken || !*taken) return std::nullopt;
        std::string bytes;
        for (BufferStream from = chain_.readable(); from.left() != 0;) {
            const auto piece = turn.piece(from.front(from.left()));
            bytes.append(reinterpret_cast<const char*>(piece.data()), piece.size());
            from.advance(piece.size());
        }
        (void)queue->give_back(turn, chain_.token(), 0);
        return bytes;
    }
    /// As much of `bytes` as the next buffer of queue `number` has room for, and how much.
    std::optional<std::size_t> put(std::uint32_t number, std::string_view bytes, DmaTurn& turn) {
        VirtQueue* const queue = ready(number);
        if (queue == nullptr) return std::nullopt;
        const auto taken = queue->take(turn, chain_);
        if (!taken || !*taken) return std::nullopt;
        std::size_t written = 0;
        for (BufferStream to = chain_.writable(); to.left() != 0 && written < bytes.size();) {
            const auto piece = turn.piece(to.front(bytes.size() - written));
            std::memcpy(piece.data(), &bytes[written], piece.size());
            to.advance(piece.size());
            written += piece.size();
        }
        (void)queue->give_back(turn, chain_.token(), static_cast<std::uint32_t>(written));
        return written;
    }
    std::optional<Control> take_control(DmaTurn& turn) {
        const auto bytes = take(virtio_console::control_transmit_queue, turn);
        if (!bytes) return std::nullopt;
        Control control{};
        REQUIRE(bytes->size() == sizeof(control));
        std::memcpy(&control, bytes->data(), sizeof(control));
        heard.push_back(control);
        return control;
    }
    void heed(const Control& control) {
        namespace event = virtio_console::event;
        if (is_mute) return;
        if (control.event == event::device_ready)
            for (const auto& [number, port] : ports)
                tell(number, event::port_add);
        const auto port = ports.find(control.id);
        if (port == ports.end()) return;
        if (control.event == event::port_ready && control.value == 1) {
            if (!port->second.name.empty())
                tell(control.id, event::port_name, 1,
                     port->second.name + std::string(ends_names ? 1 : 0, '\0'));
            if (port->second.open) tell(control.id, event::port_open, 1);
        }
        if (control.event == event::port_open) port->second.driver_open = control.value == 1;
    }
    bool say(DmaTurn& turn) {
        if (!put(virtio_console::control_receive_queue, to_say.front(), turn)) return false;
        to_say.pop_front();
        return true;
    }
    bool send(std::uint32_t number, Port& port, DmaTurn& turn) {
        const auto bytes = take(virtio_console::transmit_queue(number), turn);
        if (bytes && port.open) port.sent += *bytes;
        return bytes.has_value();
    }
    bool receive(std::uint32_t number, Port& port, DmaTurn& turn) {
        const auto count = put(virtio_console::receive_queue(number), port.wire, turn);
        if (count) port.wire.erase(0, *count);
        return count.has_value();
    }

    std::array<VirtQueue, 2 * most_ports + 2> queues_;
    DescriptorChain chain_;
};

struct ConsoleBench final : HostConsoleOwner {
    /// Ports 1, 2 and so on of these names.
    explicit ConsoleBench(std::vector<std::string> names, bool legacy = false)
        : device(function, legacy) {
        for (std::uint32_t id = 1; id <= names.size(); ++id)
            function.ports[id].name = names[id - 1];
        function.says.max_nr_ports = static_cast<std::uint32_t>(names.size() + 1);
    }
    void wants_turn() override { ++wanted; }
    auto start() {
        const auto count = console->negotiate(device, HostSource::virtio);
        std::expected<void, VirtioFault> started;
        if (!count) {
            started = std::unexpected(count.error());
        } else {
            started = console->start(std::span(*room).first(*count));
        }
        if (started) console->serve(*this);
        wanted = 0;
        return started;
    }
    /// The device's side, and its interrupt.
    void work() {
        device.work();
        if (device.wire.up) console->interrupted();
    }
    std::string name(std::size_t port) {
        const auto name = console->name(port);
        return {name.begin(), name.end()};
    }
    std::string read(std::size_t port, std::size_t most = 1000) {
        std::string text(most, '\0');
        text.resize(console->read(port, std::as_writable_bytes(std::span(text))));
        return text;
    }
    std::size_t write(std::size_t port, std::string_view text) {
        return console->write(port, std::as_bytes(std::span(text)));
    }
    bool is_open(std::size_t port) { return console->turns(port) % 2 != 0; }
    void open(std::uint32_t port, bool open = true) {
        function.set_open(port, open);
        work();
    }
    /// Where the used ring of a queue lies.
    std::uint64_t used_ring(std::uint32_t queue) {
        using Register = virtio_mmio::Register;
        std::uint64_t at = 0;
        std::uint32_t selected = 0;
        for (const auto& write : device.writes) {
            if (write.which == Register::queue_sel) selected = write.value;
            if (selected != queue) continue;
            if (write.which == Register::queue_used_low) at |= write.value;
            if (write.which == Register::queue_used_high) at |= std::uint64_t{write.value} << 32;
        }
        return at;
    }
    void break_ring(std::uint32_t queue) {
        *reinterpret_cast<std::uint16_t*>(used_ring(queue) + virtio_ring::index_at) = 999;
        device.wire.up = true;
    }

    ConsoleFunction function;
    HostDevice device;
    LowPointer<std::array<HostPort, HostConsole::most_ports>> room;
    LowPointer<HostConsole> console;
    int wanted = 0;
};

}  // namespace cairn::test
