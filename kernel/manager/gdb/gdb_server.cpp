// SPDX-License-Identifier: MIT
// Compiled: small. It runs for people.
#include "kernel/manager/gdb/gdb_server.hpp"

#include <algorithm>
#include <array>

#include <cairn/print.hpp>
#include "kernel/manager/gdb/gdb_reply.hpp"
#include "kernel/manager/gdb/hex.hpp"
#include "kernel/manager/gdb/packet.hpp"
#include "kernel/manager/gdb/register_file.hpp"

namespace cairn {

struct GdbServer::Row {
    std::string_view name;
    Next (GdbServer::*handle)(const Call& call);
};

/// The first whose name a packet begins with.
const GdbServer::Row GdbServer::rows[]{
    {"qSupported", &GdbServer::supported},
    {"QStartNoAckMode", &GdbServer::no_more_acknowledgements},
    {"qXfer:features:read:target.xml:", &GdbServer::features},
    {"qAttached", &GdbServer::attached},
    {"qfThreadInfo", &GdbServer::first_threads},
    {"qsThreadInfo", &GdbServer::more_threads},
    {"qThreadExtraInfo,", &GdbServer::thread_text},
    {"qRcmd,", &GdbServer::command},
    {"qC", &GdbServer::current_thread},
    {"vCont?", &GdbServer::known_actions},
    {"vCont;", &GdbServer::resume},
    {"?", &GdbServer::say_stopped},
    {"g", &GdbServer::read_general},
    {"G", &GdbServer::write_general},
    {"p", &GdbServer::read_one},
    {"P", &GdbServer::write_one},
    {"m", &GdbServer::read_memory},
    {"M", &GdbServer::write_memory},
    {"H", &GdbServer::choose_thread},
    {"T", &GdbServer::is_alive},
    {"Z", &GdbServer::insert},
    {"z", &GdbServer::remove},
    {"c", &GdbServer::go_on},
    {"s", &GdbServer::step},
    {"D", &GdbServer::detach},
    {"k", &GdbServer::leave},
};

namespace {

using Next = GdbServer::Next;
using namespace gdb_reply;

/// Lets through `left` letters, from letter `skipped` on, of all that is written.
class Window final : public Writer {
  public:
    Window(std::uint64_t skipped, std::uint64_t left, Writer& out)
        : skipped_(skipped), left_(left), out_(out) {}
    void write(std::string_view text) override {
        const std::size_t before = std::min<std::uint64_t>(skipped_, text.size());
        skipped_ -= before;
        text.remove_prefix(before);
        const std::size_t shown = std::min<std::uint64_t>(left_, text.size());
        left_ -= shown;
        out_.write(text.substr(0, shown));
        cut_ = cut_ || shown < text.size();
    }
    [[nodiscard]] bool is_cut() const { return cut_; }

  private:
    std::uint64_t skipped_;
    std::uint64_t left_;
    Writer& out_;
    bool cut_ = false;
};

/// What a stop reply calls it ("Stop Reply Packets").
std::string_view reason_of(WatchKind kind) {
    switch (kind) {
        case WatchKind::write: return "watch";
        case WatchKind::read: return "rwatch";
        case WatchKind::access: break;
    }
    return "awatch";
}

/// What `monitor help` says.
constexpr std::string_view help =
    "monitor physical on|off   memory by guest-physical address, or as the guest translates\n"
    "monitor threads           what each vCPU does\n";

}  // namespace

GdbServer::Next GdbServer::handle(std::string_view body, DebugTarget& target, Writer& reply) {
    const auto row =
        std::ranges::find_if(rows, [body](const Row& each) { return body.starts_with(each.name); });
    if (row == std::end(rows)) return Next::answer;  // with nothing: not known
    return (this->*row->handle)({body.substr(row->name.size()), target, reply});
}

void GdbServer::stopped(const Stop& stop, Writer& reply) {
    cpu_ = stop.cpu;
    signal_ = stop.signal;
    print(reply, "T{:02x}", static_cast<unsigned>(stop.signal));
    if (stop.watchpoint)
        print(reply, "{}:{:x};", reason_of(stop.watchpoint->kind), stop.watchpoint->named.address);
    print(reply, "thread:{:x};", stop.cpu + 1);
}

Next GdbServer::say_stopped(const Call& call) {
    stopped({.cpu = cpu_, .signal = signal_}, call.reply);
    return Next::answer;
}

// Threads.

/// The CPU of the thread at the front of `text`; of any (0) and of all (-1) it is the one at hand.
std::optional<std::uint32_t> GdbServer::parse_thread(std::string_view& text,
                                                     const DebugTarget& target) const {
    if (take_letter(text, '-')) return take_letter(text, '1') ? std::optional(cpu_) : std::nullopt;
    const auto number = take_hex(text);
    if (!number || *number > target.cpus()) return std::nullopt;
    return *number == 0 ? cpu_ : static_cast<std::uint32_t>(*number - 1);
}

Next GdbServer::choose_thread(const Call& call) {
    std::string_view rest = call.arguments;
    const bool is_known = take_letter(rest, 'g') || take_letter(rest, 'c');
    const auto cpu = is_known ? parse_thread(rest, call.target) : std::nullopt;
    if (!cpu || !rest.empty()) return answer(call.reply, bad_packet);
    cpu_ = *cpu;
    return answer(call.reply, "OK");
}

Next GdbServer::is_alive(const Call& call) {
    std::string_view rest = call.arguments;
    const auto cpu = parse_thread(rest, call.target);
    return answer(call.reply, cpu && rest.empty() ? "OK" : bad_packet);
}

Next GdbServer::first_threads(const Call& call) {
    for (std::uint32_t cpu = 0; cpu < call.target.cpus(); ++cpu)
        print(call.reply, "{}{:x}", cpu == 0 ? 'm' : ',', cpu + 1);
    return Next::answer;
}

Next GdbServer::more_threads(const Call& call) {
    return answer(call.reply, "l");
}

Next GdbServer::thread_text(const Call& call) {
    std::string_view rest = call.arguments;
    const auto cpu = parse_thread(rest, call.target);
    if (!cpu || !rest.empty()) return answer(call.reply, bad_packet);
    FixedBuffer<96> text;
    call.target.describe(*cpu, text);
    put_hex_bytes(std::as_bytes(std::span(text.view())), call.reply);
    return Next::answer;
}

Next GdbServer::current_thread(const Call& call) {
    if (!call.arguments.empty()) return Next::answer;  // qCRC, which is not known
    print(call.reply, "QC{:x}", cpu_ + 1);
    return Next::answer;
}

// What is agreed on.

Next GdbServer::supported(const Call& call) {
    print(call.reply, "PacketSize={:x};qXfer:features:read+;QStartNoAckMode+;vContSupported+",
          PacketReader::most);
    return Next::answer;
}

Next GdbServer::no_more_acknowledgements(const Call& call) {
    acknowledges_ = false;
    return answer(call.reply, "OK");
}

Next GdbServer::features(const Call& call) {
    std::string_view rest = call.arguments;
    const auto part = take_place(rest);
    if (!part || !rest.empty()) return answer(call.reply, bad_packet);
    const std::uint64_t size = std::min<std::uint64_t>(part->size, most_memory);
    const std::uint32_t vector = call.target.vector_register_bytes();
    const GdbRegisterSets sets{
        .fp = call.target.read_register(0, gdb_register::first_fp).has_value(),
        .vector_register_bytes = vector <= most_memory ? vector : 0};
    FixedBuffer<most_memory> text;
    Window window(part->address, size, text);
    write_target_description(sets, window);
    call.reply.write(window.is_cut() ? "m" : "l");
    return answer(call.reply, text.view());
}

Next GdbServer::attached(const Call& call) {
    return answer(call.reply, "1");
}

/// `monitor` in gdb.
Next GdbServer::command(const Call& call) {
    std::array<std::byte, 64> room;
    const std::size_t size = call.arguments.size() / 2;
    if (size > room.size() || !parse_hex_bytes(call.arguments, std::span(room).first(size)))
        return answer(call.reply, bad_packet);
    const std::string_view line(reinterpret_cast<const char*>(room.data()), size);
    FixedBuffer<most_memory> text;
    if (line == "physical on" || line == "physical off") {
        call.target.use_physical(line.ends_with("on"));
        return answer(call.reply, "OK");
    }
    if (line == "threads") {
        for (std::uint32_t cpu = 0; cpu < call.target.cpus(); ++cpu) {
            call.target.describe(cpu, text);
            text.write("\n");
        }
    } else {
        text.write(help);
    }
    put_hex_bytes(std::as_bytes(std::span(text.view())), call.reply);
    return Next::answer;
}

}  // namespace cairn
