// SPDX-License-Identifier: MIT
// Cairn's drivers of the machine's virtio devices, under a device that says anything in its
// registers and writes anything into its used ring. Nothing may crash or be undefined, and: what
// was submitted to a disk, or sent to the network, is completed once at most, and all of it once
// the device is given up.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <vector>

#include "kernel/arch/devices/virtio_ring.hpp"
#include "kernel/arch/isa/csr_access.hpp"
#include "kernel/host/disks/host_disk.hpp"
#include "kernel/host/virtio/host_net.hpp"
#include "kernel/host/virtio/host_rng.hpp"
#include "tests/fuzz/input.hpp"

using namespace cairn;
using virtio_mmio::Register;

namespace {

void check(bool condition) {
    if (!condition) std::abort();
}

/// Mostly a modern device with two queues; now and then whatever the input says.
class AnyDevice final : public VirtioRegisters {
  public:
    explicit AnyDevice(FuzzInput& input) : input_(input) {}

    std::uint32_t read(Register which) override {
        if (input_.take(1) % 32 == 0) return static_cast<std::uint32_t>(input_.take(4));
        switch (which) {
            case Register::magic_value: return virtio_mmio::magic;
            case Register::version: return virtio_mmio::modern_version;
            case Register::device_features: return ~std::uint32_t{0};
            case Register::queue_num_max: return 1024;
            case Register::queue_ready: return 0;
            default: return written_[which];
        }
    }
    void write(Register which, std::uint32_t value) override {
        written_[which] = value;
        Queue& queue = queues_[written_[Register::queue_sel] % queues_.size()];
        if (which == Register::queue_used_low) queue.low = value;
        if (which == Register::queue_used_high) queue.high = value;
        if (which == Register::queue_desc_low) queue.table_low = value;
        if (which == Register::queue_desc_high)
            queue.table = std::uint64_t{value} << 32 | queue.table_low;
        const bool answers = which == Register::queue_notify && input_.take(1) % 4 != 0;
        if (answers) use(static_cast<std::uint32_t>(input_.take(1) % 4), 1, value);
    }
    std::uint8_t read_config(std::uint64_t at) override {
        constexpr std::uint64_t block_size_at = offsetof(virtio_block::Config, blk_size);
        if (at - block_size_at < 4 && input_.take(1) % 8 != 0)
            return at == block_size_at + 1 ? 2 : 0;
        return static_cast<std::uint8_t>(at % 10 == 1 ? 8 : input_.take(1) % 2);
    }
    void use(std::uint32_t id, std::uint32_t length, std::uint32_t number = 0) {
        const virtio_ring::UsedElement element{id, length};
        Queue& queue = queues_[number % queues_.size()];
        std::memcpy(queue.used() + virtio_ring::used_at(queue.index % 128u), &element,
                    sizeof element);
        queue.advance(1);
    }
    /// Writes to where descriptor `id` of the first queue says, if it may.
    void write_to(std::uint32_t id, std::span<const std::byte> bytes) {
        const Queue& queue = queues_[0];
        if (queue.table == 0) return;
        virtio_ring::Descriptor descriptor{};
        std::memcpy(&descriptor, reinterpret_cast<std::byte*>(queue.table) + id * sizeof descriptor,
                    sizeof descriptor);
        if ((descriptor.flags & virtio_ring::desc_write) == 0 || descriptor.address == 0) return;
        std::memcpy(reinterpret_cast<std::byte*>(descriptor.address), bytes.data(),
                    std::min<std::size_t>(bytes.size(), descriptor.length));
    }
    /// Uses more than any driver has made available.
    void jump(std::uint32_t number) { queues_[number].advance(1000); }

  private:
    struct Queue {
        /// The used ring, once the driver has said where it is.
        [[nodiscard]] std::byte* used() const {
            return reinterpret_cast<std::byte*>(high << 32 | low);
        }
        void advance(std::uint16_t by) {
            index = static_cast<std::uint16_t>(index + by);
            std::memcpy(used() + virtio_ring::index_at, &index, sizeof index);
        }
        std::uint64_t low = 0;
        std::uint64_t high = 0;
        std::uint64_t table_low = 0;
        std::uint64_t table = 0;
        std::uint16_t index = 0;
    };

    FuzzInput& input_;
    std::map<Register, std::uint32_t> written_;
    std::array<Queue, 2> queues_;
};

class Disk final : HostDiskUser {
  public:
    explicit Disk(FuzzInput& input) : input_(input), device_(input) {}

    void run() {
        if (!disk_->start(device_, HostSource::virtio)) return;
        check(disk_->claim(*this, {input_.take(1), 1 + input_.take(2)}).has_value());
        while (!input_.empty())
            step();
        device_.use(1000, 0);  // against the rules: so it is given up
        disk_->look();
        for (const bool is_in_flight : in_flight_)
            check(!is_in_flight);
    }

  private:
    void step() {
        const auto kind = input_.take(1) % 4;
        if (kind == 0) return submit();
        if (kind == 1) return disk_->interrupted();
        device_.use(static_cast<std::uint32_t>(input_.take(1)),
                    static_cast<std::uint32_t>(input_.take(2)));
    }
    void submit() {
        const std::size_t which = input_.take(1) % tokens_.size();
        if (in_flight_[which]) return;
        constexpr std::array types{virtio_block::RequestType::in, virtio_block::RequestType::out,
                                   virtio_block::RequestType::flush,
                                   virtio_block::RequestType::discard,
                                   virtio_block::RequestType::write_zeroes};
        const std::vector<std::span<std::byte>> buffers(input_.take(1) % HostDiskUser::most_buffers,
                                                        std::span(bytes_));
        in_flight_[which] = true;
        in_flight_[which] =
            disk_->submit(*this, {types[input_.take(1) % types.size()], input_.take(2), buffers,
                                  &tokens_[which], static_cast<std::uint32_t>(input_.number())}) &&
            in_flight_[which];
    }
    void room_again() override {}
    void completed(void* token, virtio_block::Status /*status*/) override {
        const auto which = static_cast<std::size_t>(static_cast<int*>(token) - tokens_.data());
        check(which < tokens_.size() && in_flight_[which]);
        in_flight_[which] = false;
    }

    FuzzInput& input_;
    AnyDevice device_;
    std::unique_ptr<HostDisk> disk_ = std::make_unique<HostDisk>();
    std::array<std::byte, 512> bytes_{};
    std::array<int, 32> tokens_{};
    std::array<bool, 32> in_flight_{};
};

class Net final : HostNetOwner {
  public:
    explicit Net(FuzzInput& input) : input_(input), device_(input) {}

    void run() {
        if (!net_->start(device_, HostSource::virtio)) return;
        net_->serve(*this);
        while (!input_.empty())
            step();
        device_.jump(virtio_net::transmit_queue);  // against the rules: so it is given up
        take_sent();
        check(!net_->works());
        for (const bool is_in_flight : in_flight_)
            check(!is_in_flight);
    }

  private:
    void wants_turn() override {}
    void step() {
        switch (input_.take(1) % 8) {
            case 0: return send();
            case 5:
            case 6: return receive();
            case 1: return net_->interrupted();
            case 2: return take_sent();
            case 3: return take_received();
            case 4:
                for (; !held_.empty(); held_.pop_back())
                    net_->done_with(held_.back());
                return;
            default: break;
        }
        device_.use(static_cast<std::uint32_t>(input_.take(1)),
                    static_cast<std::uint32_t>(input_.take(2) % 4200),
                    static_cast<std::uint32_t>(input_.take(1)));
    }
    /// A frame of several buffers, nearly, or with a header that says anything.
    void receive() {
        const auto first = static_cast<std::uint32_t>(input_.take(1) % 64);
        const std::uint64_t buffers = 1 + input_.take(1) % 20;
        virtio_net::PacketHeader header{};
        header.flags = static_cast<std::uint8_t>(input_.take(1) % 4);
        header.gso_type = static_cast<std::uint8_t>(input_.take(1) % 6);
        header.num_buffers =
            static_cast<std::uint16_t>(input_.take(1) % 8 == 0 ? input_.take(2) : buffers);
        device_.write_to(first, std::as_bytes(std::span(&header, 1)));
        for (std::uint32_t n = 0; n < buffers; ++n)
            device_.use((first + n) % 64,
                        n + 1 < buffers ? static_cast<std::uint32_t>(HostNet::buffer_bytes)
                                        : static_cast<std::uint32_t>(input_.take(2) % 4200),
                        virtio_net::receive_queue);
    }
    void send() {
        const std::size_t which = input_.take(1) % tokens_.size();
        if (in_flight_[which]) return;
        const std::vector<std::span<const std::byte>> pieces(
            input_.take(1) % (HostNet::most_pieces + 1), std::span(bytes_));
        in_flight_[which] = net_->send(header_, pieces, &tokens_[which]);
    }
    void take_sent() {
        while (const auto token = net_->take_sent()) {
            const auto which = static_cast<std::size_t>(static_cast<int*>(*token) - tokens_.data());
            check(which < tokens_.size() && in_flight_[which]);
            in_flight_[which] = false;
        }
    }
    void take_received() {
        const auto received = net_->take_received();
        if (!received) return;
        check(received->pieces.front().size() >= virtio_net::ethernet_header_size);
        const bool is_whole = received->header.gso_type == virtio_net::segments::none;
        check(received->size <= (is_whole ? virtio_net::ethernet_frame_size : HostNet::most_uncut));
        std::size_t size = 0;
        for (const std::span<const std::byte> piece : received->pieces)
            size += piece.size();
        check(size == received->size);
        for (const HostNet::Received& other : held_)
            for (const auto* const buffer : other.buffers)
                check(std::ranges::find(received->buffers, buffer) == received->buffers.end());
        held_.push_back(*received);
    }

    FuzzInput& input_;
    AnyDevice device_;
    std::unique_ptr<HostNet> net_ = std::make_unique<HostNet>();
    std::array<std::byte, 16> bytes_{};
    virtio_net::PacketHeader header_{};
    std::array<int, 32> tokens_{};
    std::array<bool, 32> in_flight_{};
    std::vector<HostNet::Received> held_;
};

void run_rng(FuzzInput& input) {
    AnyDevice device(input);
    const auto rng = std::make_unique<HostRng>();
    const auto take = [](std::span<const std::byte> bytes) {
        check(bytes.size() <= HostRng::seed_bytes);
    };
    (void)rng->start(device, HostSource::virtio, take, 3);
    while (rng->works() && !input.empty()) {
        device.use(static_cast<std::uint32_t>(input.take(1) % 4),
                   static_cast<std::uint32_t>(input.take(1)));
        rng->interrupted();
        rng->ask();
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fake_csr_access = [] { fake_csrs[static_cast<std::size_t>(Csr::time)] += 1; };
    FuzzInput input({data, size});
    switch (input.take(1) % 4) {
        case 0: run_rng(input); break;
        case 1: Net(input).run(); break;
        default: Disk(input).run();
    }
    return 0;
}
