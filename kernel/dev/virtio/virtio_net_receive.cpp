// SPDX-License-Identifier: MIT
// What a network device's driver receives: a frame's way into its buffers.
#include <utility>

#include "kernel/dev/net/offload_set.hpp"
#include "kernel/dev/net/offloads.hpp"
#include "kernel/dev/virtio/virtio_net.hpp"

namespace cairn {
namespace {

namespace feature = virtio_net::feature;
namespace segments = virtio_net::segments;

/// A frame to another guest is copied whole: the one that sends has no turn's measure for it.
constexpr std::uint64_t no_measure = ~std::uint64_t{0};
/// What a driver's buffers may make of one frame: parts that are copied, and of all that it is cut
/// into, such as lie in RAM that is not ready. A frame beyond that is lost.
constexpr std::uint32_t most_parts = 512;
constexpr std::uint32_t most_unready = 4;

}  // namespace

/// A frame's way into buffers.
struct VirtioNet::Receiving {
    explicit Receiving(DmaTurn& its_turn) : turn(its_turn) {}

    DmaTurn& turn;
    BufferStream room;
    std::uint32_t parts = 0;
    std::uint32_t entries = 0;  ///< of the queue, that `filled` has
    static_vector<Filled, VirtQueue::max_size> filled;
    std::array<GuestPhys, 2> count_at;  ///< the two bytes of the header's num_buffers
};

FrameSink::Taken VirtioNet::take(const NetFrame& frame) {
    const SpinGuard guard(lock_);
    if (!receives_) return Taken::never;
    made_ready_ = 0;
    if (has_filter(accepted_) && !filter_.takes(frame.destination())) return Taken::unwanted;
    if (OffloadSet::to_driver(accepted_).has(frame.header)) return receive(frame);
    return cut_and_receive(frame);
}

/// Of segments, those that find no room are lost: the others are on their way. So are those beyond
/// as many as the queue has buffers: no driver has so small ones.
FrameSink::Taken VirtioNet::cut_and_receive(const NetFrame& frame) {
    ReworkedFrame whole;
    ReworkedFrame finished;
    if (frame.header.gso_type == segments::none)
        return whole.complete(frame) ? receive(whole.frame()) : Taken::never;
    auto cut = TcpSegments::of(frame);
    if (!cut) return Taken::never;
    for (std::size_t n = 0; !cut->is_done() && n < VirtQueue::max_size; ++n) {
        const Taken taken = receive_next(*cut, whole, finished);
        if (taken == Taken::yes) continue;
        if (n == 0) return taken;
        add_one(cut_short_);
        return Taken::yes;
    }
    if (!cut->is_done()) add_one(cut_short_);
    return Taken::yes;
}

/// `whole` and `finished` are room for it.
FrameSink::Taken VirtioNet::receive_next(TcpSegments& cut, ReworkedFrame& whole,
                                         ReworkedFrame& finished) {
    if (!cut.next(whole) || whole.frame().size > OffloadSet::largest_frame) return Taken::never;
    if ((accepted_ & feature::guest_csum) != 0) return receive(whole.frame());
    return finished.complete(whole.frame()) ? receive(finished.frame()) : Taken::never;
}

FrameSink::Taken VirtioNet::receive(const NetFrame& frame) {
    DmaTurn turn(memory_, no_measure);
    const Answer taken = put(turn, frame);
    made_ready_ += turn.made_ready();
    const Answer due = taken && *taken ? receive_queue().is_interrupt_due(turn) : taken;
    if (!due) {
        fault_ = due.error();
        receives_ = false;
        wire_.want_turn();
        return Taken::never;
    }
    if (!*taken) return lacks_buffers_ ? Taken::no_room : Taken::never;
    if (*due && !std::exchange(is_interrupt_due_, true)) wire_.want_turn();
    return Taken::yes;
}

/// False where there is no room; `lacks_buffers_` says whether there may be some later. The driver
/// sees nothing of it then.
VirtioNet::Answer VirtioNet::put(DmaTurn& turn, const NetFrame& frame) {
    Receiving into(turn);
    Header header = frame.header;
    header.hdr_len = 0;
    header.num_buffers = 1;
    lacks_buffers_ = false;
    Answer goes_on = next_buffer(into);
    if (goes_on && *goes_on) {
        for (std::size_t n = 0; n < into.count_at.size(); ++n)
            into.count_at[n] = into.room.at(offsetof(Header, num_buffers) + n);
        goes_on = copy(into, std::as_bytes(std::span(&header, 1)));
    }
    for (std::size_t n = 0; goes_on && *goes_on && n < frame.pieces.size(); ++n)
        goes_on = copy(into, frame.pieces[n]);
    if (!goes_on) return goes_on;
    if (*goes_on) {
        if (const Done shown = show(into); !shown) return std::unexpected(shown.error());
        return true;
    }
    receive_queue().put_back(into.entries);
    return false;
}

/// Without MRG_RXBUF a frame has one buffer, and there is none of this frame's size.
VirtioNet::Answer VirtioNet::next_buffer(Receiving& into) {
    if (!into.filled.empty() && (accepted_ & feature::mrg_rxbuf) == 0) return false;
    if (into.filled.size() == receive_queue().setup().size) return false;  // nor ever
    Answer taken = receive_queue().take(into.turn, buffer_);
    if (taken && !*taken) {
        const Answer more = receive_queue().await_more(into.turn);
        if (!more) return more;
        if (*more) taken = receive_queue().take(into.turn, buffer_);
    }
    if (!taken) return taken;
    lacks_buffers_ = !*taken;
    if (lacks_buffers_) {
        had_ = is_starved_ ? std::min(had_, into.entries) : into.entries;
        is_starved_ = true;
        return false;
    }
    into.room = buffer_.writable();
    if (into.room.left() < sizeof(Header)) return std::unexpected(RingFault::too_short);
    if (into.filled.try_push_back({buffer_.token(), 0}) == nullptr) return false;
    into.entries += buffer_.token().entries;
    return true;
}

VirtioNet::Answer VirtioNet::copy(Receiving& into, std::span<const std::byte> from) {
    while (!from.empty()) {
        if (into.room.left() == 0) {
            const Answer next = next_buffer(into);
            if (!next || !*next) return next;
        }
        const GuestRange part = into.room.front(from.size());
        if (++into.parts > most_parts) return false;
        if (made_ready_ + into.turn.made_ready() > most_unready) return false;
        if (!into.turn.copy_in(part.base, from.first(part.size)))
            return std::unexpected(RingFault::no_memory);
        into.room.advance(part.size);
        into.filled.back().written += static_cast<std::uint32_t>(part.size);
        from = from.subspan(part.size);
    }
    return true;
}

/// Section 5.1.6.4: the first buffer's header says how many there are; all are shown at once.
VirtioNet::Done VirtioNet::show(Receiving& into) {
    const auto count = static_cast<std::uint16_t>(into.filled.size());
    for (std::size_t n = 0; count != 1 && n < into.count_at.size(); ++n) {
        const auto byte = std::as_bytes(std::span(&count, 1)).subspan(n, 1);
        if (!into.turn.copy_in(into.count_at[n], byte))
            return std::unexpected(RingFault::no_memory);
    }
    for (const Filled& each : into.filled)
        if (const Done done = receive_queue().write_used(into.turn, each.token, each.written);
            !done)
            return done;
    return receive_queue().show_used(into.turn);
}

}  // namespace cairn
