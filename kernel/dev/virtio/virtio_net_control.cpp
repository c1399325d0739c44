// SPDX-License-Identifier: MIT
// What a network device's driver says in its control queue (VIRTIO 1.2, section 5.1.6.5): which
// frames it asks for. A command that is not known, or not as long as it should be, changes nothing,
// and is answered by an error.
#include <algorithm>

#include "kernel/dev/virtio/virtio_net.hpp"

namespace cairn {
namespace {

namespace control = virtio_net::control;
namespace feature = virtio_net::feature;

/// What a command costs a turn, as if it copied so many bytes.
constexpr std::uint64_t command_cost = 4096;

constexpr unsigned kind_of(unsigned of_class, unsigned command) {
    return of_class << 8 | command;
}

/// There are so many.
void skip(BufferStream& from, std::uint64_t bytes) {
    while (bytes != 0) {
        const std::uint64_t part = from.front(bytes).size;
        from.advance(part);
        bytes -= part;
    }
}

/// One byte, 0 or 1, and no more.
std::optional<bool> take_switch(BufferStream& from, DmaTurn& turn) {
    std::uint8_t value = 0;
    if (from.left() != 1 || !take_value(from, value, turn) || value > 1) return std::nullopt;
    return value != 0;
}

std::optional<MacAddress> take_address(BufferStream& from, DmaTurn& turn) {
    MacAddress address;
    if (!take_bytes(from, std::as_writable_bytes(std::span(address.bytes)), turn))
        return std::nullopt;
    return address;
}

/// Of a list that is too long for the table, the rest is not read.
bool take_table(BufferStream& from, DmaTurn& turn, ReceiveFilter::Table& table) {
    std::uint32_t entries = 0;
    if (!take_value(from, entries, turn) || from.left() / virtio_net::mac_size < entries)
        return false;
    for (; entries != 0 && !table.is_too_long(); --entries) {
        const auto address = take_address(from, turn);
        if (!address) return false;
        table.add(*address);
    }
    skip(from, std::uint64_t{entries} * virtio_net::mac_size);
    return true;
}

}  // namespace

bool VirtioNet::has_control(std::uint64_t features) {
    return (features & feature::ctrl_vq) != 0;
}

bool VirtioNet::has_filter(std::uint64_t features) {
    return has_control(features) && (features & feature::ctrl_rx) != 0;
}

/// Commands, as many as there are, or as the turn has room for; whether there are more.
VirtioNet::Answer VirtioNet::obey(DmaTurn& turn, VirtioPort& port) {
    if (!control_queue().is_ready() || !has_control(port.features())) return false;
    Answer more = control_queue().has_more_than(turn, 0);
    if (!more || !*more) return more;
    while (more && *more && !turn.is_over())
        more = obey_next(turn, port);
    const Answer due = more ? control_queue().is_interrupt_due(turn) : more;
    if (!due) return due;
    if (*due) port.interrupt();
    return more;
}

VirtioNet::Answer VirtioNet::obey_next(DmaTurn& turn, VirtioPort& port) {
    const Answer taken = control_queue().take(turn, command_);
    if (!taken) return taken;
    if (!*taken) return control_queue().await_more(turn);
    turn.charge(command_cost);
    BufferStream answer = command_.writable();
    if (answer.left() == 0) return std::unexpected(RingFault::too_short);
    const std::uint8_t said = carry_out(command_.readable(), turn, port.features())
                                  ? virtio_net::answer::ok
                                  : virtio_net::answer::err;
    port.config_written();  // it may have been
    while (answer.front(1).size == 0)
        answer.advance(0);
    if (!turn.store(answer.front(1).base, said)) return std::unexpected(RingFault::no_memory);
    if (const Done done = control_queue().give_back(turn, command_.token(), 1); !done)
        return std::unexpected(done.error());
    return true;
}

bool VirtioNet::carry_out(BufferStream from, DmaTurn& turn, std::uint64_t features) {
    control::Header header{};
    if (!take_value(from, header, turn)) return false;
    const bool may_filter = has_filter(features);
    switch (kind_of(header.of_class, header.command)) {
        case kind_of(control::rx, control::rx_promisc):
        case kind_of(control::rx, control::rx_allmulti): {
            const auto on = take_switch(from, turn);
            if (!on || !may_filter) return false;
            const SpinGuard guard(lock_);
            header.command == control::rx_promisc ? filter_.take_all(*on)
                                                  : filter_.take_all_groups(*on);
            return true;
        }
        case kind_of(control::mac, control::mac_table_set): {
            ReceiveFilter::Tables tables;
            if (!take_table(from, turn, tables.single) || !take_table(from, turn, tables.groups) ||
                from.left() != 0 || !may_filter)
                return false;
            const SpinGuard guard(lock_);
            filter_.set_tables(tables);
            return true;
        }
        case kind_of(control::mac, control::mac_addr_set):
            return (features & feature::ctrl_mac_addr) != 0 && set_address(from, turn);
        default: return false;
    }
}

/// The driver's own, which its configuration has as well. Its wire knows it by the first.
bool VirtioNet::set_address(BufferStream from, DmaTurn& turn) {
    if (from.left() != virtio_net::mac_size) return false;
    const auto address = take_address(from, turn);
    if (!address || address->is_group() || *address == MacAddress{}) return false;
    std::ranges::copy(address->bytes, config_.mac);
    const SpinGuard guard(lock_);
    filter_.set_own(*address);
    return true;
}

/// A reset of the device ends with this queue, when the others have none set up any more.
void VirtioNet::forget_commands() {
    if (receive_queue().is_ready() || transmit_queue().is_ready()) return;
    const MacAddress own = wire_.address();
    std::ranges::copy(own.bytes, config_.mac);
    const SpinGuard guard(lock_);
    filter_.reset(own);
}

}  // namespace cairn
