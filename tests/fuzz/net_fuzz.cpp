// SPDX-License-Identifier: MIT
// Two guests with network devices at one switch, under drivers that do anything: any register, any
// bytes in their rings, frames that are nearly right with any header, room or none. Nothing may
// crash or be undefined, and: a device writes to its guest's rings and to what may be written to,
// and nowhere else; of a driver that keeps the rules each frame is given back once and counted
// once, and each that it is given arrives whole, once, in the buffers posted; the wire is up
// exactly while an event is there; a device that needs a reset does nothing; work ends; and after
// all that a reset makes devices by which a frame arrives.
#include "tests/fuzz/net_guest.hpp"

using namespace cairn;
using namespace cairn::test;

namespace {

namespace feature = virtio_net::feature;
using Register = virtio_mmio::Register;

constexpr std::uint64_t ticks = 10'000'000;

MacAddress mac(std::uint8_t number) {
    return {{2, 0, 0, 0, 0, number}};
}

class Machine {
  public:
    explicit Machine(FuzzInput& input) {
        for (NetGuest* const guest : guests_) {
            guest->others = {guest == &a_ ? &b_ : &a_};
            guest->start(features(input));
        }
    }
    void step(FuzzInput& input) {
        NetGuest& guest = *guests_[input.take(1) % 2];
        keep();
        switch (input.take(1) % 16) {
            case 0: any_register(guest, input); break;
            case 1: any_bytes(guest, input); break;
            case 2:
                guest.start(features(input));
                keep();
                break;
            case 3: guest.set(Register::interrupt_ack, 3); break;
            case 4: guest.memory.slow = {{NetGuest::data_at + input.take(2)}, input.take(2)}; break;
            case 5: guest.memory.piece_size = (32 + input.take(1)) * 16; break;
            case 6: now_ += input.take(3); break;
            case 7: work(); break;
            case 8:
                if (input.take(1) % 4 == 0) {
                    any_chain(guest, input);
                } else {
                    command(guest, input);
                }
                break;
            case 9:
            case 10:
            case 11: make_room(guest, input); break;
            default: send(guest, input); break;
        }
        verify();
    }
    void finish() {
        work();
        for (NetGuest* const guest : guests_) {
            guest->memory.slow = {};
            guest->memory.piece_size = BenchMemory::usual_size;
            guest->start(feature::mrg_rxbuf);
        }
        now_ += ticks;  // what was in the way before is over
        work();
        b_.make_room(2048);
        b_.notify(0);
        work();
        const auto before = net_.report_of(b_).counts.received;
        a_.memory.store(GuestPhys{NetGuest::header_at}, virtio_net::PacketHeader{});
        frame(a_, mac(2), 60);
        a_.notify(1);
        work();
        require(net_.report_of(b_).counts.received == before + 1 && b_.used_index(0) == 1);
        b_.look_at_received();
        a_.look_at_received();
    }

  private:
    static std::uint64_t features(FuzzInput& input) {
        const std::uint64_t which = input.take(1);
        const std::uint64_t rest = ~std::uint64_t{0} << 33;
        if (which % 2 == 0) return ~std::uint64_t{0};
        return rest | input.take(4);
    }
    /// Both may write now: what they write to is what they are told now.
    void keep() {
        for (std::size_t n = 0; n < guests_.size(); ++n) {
            const std::byte* const from = guests_[n]->memory.at(BenchMemory::base);
            before_[n].assign(from, from + NetGuest::memory_size);
        }
    }
    void any_register(NetGuest& guest, FuzzInput& input) {
        const std::uint64_t offset = input.take(2) % 0x220;
        const auto width = static_cast<AccessWidth>(1u << input.take(1) % 4);
        guest.is_clean = guest.keeps_rings = false;
        (void)guest.device.read(offset, width);
        (void)guest.device.write(offset, width, input.take(4));
    }
    /// The driver's own writes are no device's.
    void any_bytes(NetGuest& guest, FuzzInput& input) {
        std::uint64_t at = NetGuest::area(0) + input.take(2) % (0x800 * guest.queues() - 256);
        guest.is_clean = false;
        for (const std::byte byte : std::as_bytes(input.run(input.take(1))))
            guest.memory.store(GuestPhys{at++}, byte);
        keep();
    }
    /// One descriptor, of any kind, in any queue.
    void any_chain(NetGuest& guest, FuzzInput& input) {
        guest.is_clean = false;
        const std::uint64_t queue = input.take(1) % guest.queues();
        const std::uint64_t at = input.take(1) % 8 == 0 ? BenchMemory::base.value + input.take(3)
                                                        : NetGuest::room_at + input.take(1);
        const auto flags = static_cast<std::uint16_t>(input.take(1) % 8);
        const auto size = static_cast<std::uint32_t>(input.take(2));
        const auto link = static_cast<std::uint16_t>(input.take(1) % 9);
        guest.describe(queue, 0, {at, size, flags, link});
        guest.offer(queue, 0);
        keep();
        guest.notify(queue);
    }
    /// Nearly one, of those that there are.
    void command(NetGuest& guest, FuzzInput& input) {
        if (guest.is_clean && !guest.may_offer(2)) return;
        std::vector<std::uint8_t> bytes{static_cast<std::uint8_t>(input.take(1) % 3),
                                        static_cast<std::uint8_t>(input.take(1) % 3)};
        const std::uint64_t kind = input.take(1);
        if (bytes[0] == 1 && bytes[1] == 0) {
            for (int table = 0; table < 2; ++table) {
                const std::uint64_t entries = input.take(1) % 64;
                bytes.insert(bytes.end(), {static_cast<std::uint8_t>(entries), 0, 0, 0});
                for (std::uint64_t n = 0; n < entries * 6; ++n)
                    bytes.push_back(static_cast<std::uint8_t>(
                        n % 6 == 0 ? (table == 0 ? 2 : 1) : (n % 6 == 5 ? input.take(1) % 16 : 0)));
            }
        } else {
            bytes.insert(bytes.end(), bytes[0] == 1 ? 6 : 1, std::uint8_t{0});
            bytes[2] = static_cast<std::uint8_t>(bytes[0] == 1 ? 2 : kind / 4 % 2);
            bytes.back() = bytes[0] == 1 ? static_cast<std::uint8_t>(kind / 4 % 16) : bytes[2];
        }
        if (kind % 4 == 0) bytes[input.take(1) % bytes.size()] = static_cast<std::uint8_t>(kind);
        if (kind % 4 == 1) bytes.resize(1 + input.take(1));
        guest.command(bytes, [this] { keep(); });
    }
    void make_room(NetGuest& guest, FuzzInput& input) {
        for (std::uint64_t count = 1 + input.take(1) % 8; count != 0; --count) {
            if (guest.is_clean && !guest.may_offer(0)) break;
            const std::uint64_t size = input.take(2) % (NetGuest::room_size / NetGuest::ring_size);
            guest.make_room(static_cast<std::uint32_t>(std::max<std::uint64_t>(size, 12)));
        }
        keep();
        guest.notify(0);
    }
    /// Header and frame; where they lie is the caller's.
    void frame(NetGuest& guest, MacAddress to, std::uint32_t size) {
        const MacAddress own = guest.settings().address;
        std::memcpy(guest.memory.at({NetGuest::data_at}), to.bytes.data(), 6);
        std::memcpy(guest.memory.at({NetGuest::data_at + 6}), own.bytes.data(), 6);
        guest.describe(1, 0, {NetGuest::header_at, 12, virtio_ring::desc_next, 1});
        guest.describe(1, 1, {NetGuest::data_at, size, 0, 0});
        guest.offer(1, 0);
    }
    /// TCP over IP in Ethernet, nearly, with a header that is nearly right.
    void send(NetGuest& guest, FuzzInput& input) {
        if (guest.is_clean && !guest.may_offer(1)) return;
        const bool is_v6 = input.take(1) % 2 == 0;
        std::byte* const at = guest.memory.at({NetGuest::data_at});
        const std::uint64_t tcp = 14u + (is_v6 ? 40 : 20);
        std::memset(at, 0, 128);
        at[12] = std::byte{static_cast<std::uint8_t>(is_v6 ? 0x86 : 0x08)};
        at[13] = std::byte{static_cast<std::uint8_t>(is_v6 ? 0xdd : 0x00)};
        at[14] = std::byte{static_cast<std::uint8_t>(is_v6 ? 0x60 : 0x45)};
        at[is_v6 ? 20 : 23] = std::byte{6};
        at[tcp + 12] = std::byte{0x50};
        for (std::uint64_t edits = input.take(1) % 4; edits != 0; --edits)
            at[12 + input.take(1) % 100] = static_cast<std::byte>(input.take(1));
        virtio_net::PacketHeader header{};
        const std::uint64_t kind = input.take(1);
        header.flags = static_cast<std::uint8_t>(kind % 8 == 0 ? input.take(1) : kind % 2);
        header.gso_type = static_cast<std::uint8_t>(
            kind % 8 == 0 ? input.take(1) : (kind / 8 % 2 == 0 ? 0 : (is_v6 ? 4 : 1)));
        header.gso_size = static_cast<std::uint16_t>(kind % 16 < 2 ? input.take(2) : 1448);
        header.csum_start = static_cast<std::uint16_t>(kind % 16 < 4 ? input.take(2) : tcp);
        header.csum_offset = static_cast<std::uint16_t>(kind % 16 < 4 ? input.take(1) : 16);
        guest.memory.store(GuestPhys{NetGuest::header_at}, header);
        const auto size = static_cast<std::uint32_t>(
            kind % 3 == 0 ? input.take(2) % (NetGuest::memory_size - 0x5000) : 60 + input.take(1));
        const std::uint64_t to = input.take(1);
        frame(guest,
              to % 8 == 0 ? MacAddress{{255, 255, 255, 255, 255, 255}}
                          : mac(static_cast<std::uint8_t>(to % 8 == 1 ? 9 : 3 - number(guest))),
              size);
        keep();
        guest.notify(1);
    }
    std::uint8_t number(const NetGuest& guest) const { return guest.settings().address.bytes[5]; }

    /// Turns until nobody wants one; a frame that waits for room is none.
    void work() {
        for (int turns = 0; turns < 10'000; ++turns) {
            bool more = false;
            for (NetGuest* const guest : guests_) {
                const bool has_turn = std::exchange(guest->has_turn, false);
                const int wanted = std::exchange(guest->owner.wanted, 0);
                if (has_turn || wanted != 0 || turns == 0) more = guest->device.work() || more;
                more = more || guest->has_turn;
            }
            if (!more) return;
        }
        require(false);
    }

    void verify() {
        for (std::size_t n = 0; n < guests_.size(); ++n) {
            NetGuest& guest = *guests_[n];
            const std::uint32_t events = guest.get(Register::interrupt_status);
            require(guest.wire.up == (events != 0) && events < 4);
            require(guest.memory.uses == 0);
            if (guest.needs_reset()) require(!guest.device.work());
            check_writes(guest, before_[n]);
            guest.look_at_received();
            const auto counts = net_.report_of(guest).counts;
            require(counts.sent_bytes >= counts.sent * virtio_net::ethernet_header_size);
        }
    }
    /// A byte that has changed lies in a ring of the device's, or in a descriptor that may be
    /// written to.
    /// A byte that has changed lies in a used ring, or in what may be written to.
    static void check_writes(NetGuest& guest, const std::vector<std::byte>& before) {
        constexpr std::uint64_t block = 256;
        const std::byte* const now = guest.memory.at(BenchMemory::base);
        for (std::uint64_t at = 0; at < before.size(); at += block) {
            if (std::memcmp(&before[at], now + at, block) == 0) continue;
            for (std::uint64_t n = at; n < at + block; ++n)
                if (before[n] != now[n])
                    require(may_write(guest, before, BenchMemory::base.value + n));
        }
    }
    static bool may_write(NetGuest& guest, const std::vector<std::byte>& before, std::uint64_t at) {
        const auto holds_it = [at](const GuestRange& each) {
            return each.contains(GuestPhys{at}, 1);
        };
        if (!guest.keeps_rings) return true;  // nobody knows any more where they are
        for (std::uint64_t queue = 0; queue < guest.queues(); ++queue)
            if (at >= NetGuest::used(queue) && at < NetGuest::area(queue) + 0x800) return true;
        if (guest.is_clean)
            return at == NetGuest::answer_at || std::ranges::any_of(guest.posted, holds_it);
        for (std::uint64_t n = 0; n < guest.queues() * NetGuest::ring_size; ++n) {
            const std::uint64_t queue = n / NetGuest::ring_size;
            NetGuest::Descriptor one;
            std::memcpy(&one,
                        &before[NetGuest::area(queue) + n % NetGuest::ring_size * sizeof one -
                                BenchMemory::base.value],
                        sizeof one);
            if ((one.flags & virtio_ring::desc_indirect) != 0) return true;
            if ((one.flags & virtio_ring::desc_write) != 0 && holds_it({{one.address}, one.length}))
                return true;
        }
        return false;
    }

    std::uint64_t now_ = ticks;
    VirtualSwitch net_{ticks};
    NetGuest a_{net_, {.address = mac(1)}, now_};
    NetGuest b_{net_, {.address = mac(2)}, now_};
    std::array<NetGuest*, 2> guests_{&a_, &b_};
    std::array<std::vector<std::byte>, 2> before_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    FuzzInput input({data, size});
    Machine machine(input);
    while (!input.empty())
        machine.step(input);
    machine.finish();
    return 0;
}
