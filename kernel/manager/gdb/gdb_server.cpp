// SPDX-License-Identifier: MIT
// Compiled: small. It runs for people.
#include "kernel/manager/gdb/gdb_server.hpp"

#include <algorithm>
#include <array>

#include <cairn/print.hpp>
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
    {"Z0,", &GdbServer::insert},
    {"z0,", &GdbServer::remove},
    {"Z", &GdbServer::refuse},
    {"z", &GdbServer::refuse},
    {"c", &GdbServer::go_on},
    {"s", &GdbServer::step},
    {"D", &GdbServer::detach},
    {"k", &GdbServer::leave},
};

namespace {

using Next = GdbServer::Next;

// Errors have numbers, which gdb shows; the protocol gives them no meaning.
constexpr std::string_view bad_packet = "E01";
constexpr std::string_view no_such_place = "E02";
constexpr std::string_view no_such_register = "E03";
constexpr std::string_view refused = "E04";

Next answer(Writer& reply, std::string_view text) {
    reply.write(text);
    return Next::answer;
}

void put_value(std::uint64_t value, std::uint32_t size, Writer& out) {
    std::array<std::byte, sizeof(value)> bytes{};
    for (std::size_t n = 0; n < bytes.size(); ++n)
        bytes[n] = static_cast<std::byte>(value >> (8 * n));
    put_hex_bytes(std::span(bytes).first(size), out);
}

std::optional<std::uint64_t> parse_value(std::string_view text) {
    std::array<std::byte, sizeof(std::uint64_t)> bytes{};
    if (text.size() / 2 > bytes.size() ||
        !parse_hex_bytes(text, std::span(bytes).first(text.size() / 2)))
        return std::nullopt;
    std::uint64_t value = 0;
    for (std::size_t n = 0; n < bytes.size(); ++n)
        value |= std::to_integer<std::uint64_t>(bytes[n]) << (8 * n);
    return value;
}

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

struct Place {
    std::uint64_t address;
    std::uint64_t size;
};

/// ADDRESS,SIZE at the front of `text`.
std::optional<Place> take_place(std::string_view& text) {
    const auto address = take_hex(text);
    if (!address || !take_letter(text, ',')) return std::nullopt;
    const auto size = take_hex(text);
    if (!size) return std::nullopt;
    return Place{*address, *size};
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

void GdbServer::stopped(std::uint32_t cpu, StopSignal signal, Writer& reply) {
    cpu_ = cpu;
    signal_ = signal;
    print(reply, "T{:02x}thread:{:x};", static_cast<unsigned>(signal), cpu + 1);
}

Next GdbServer::say_stopped(const Call& call) {
    stopped(cpu_, signal_, call.reply);
    return Next::answer;
}

// Registers.

Next GdbServer::read_general(const Call& call) {
    for (std::uint32_t n = 0; n < gdb_register::general; ++n)
        put_value(call.target.read_register(cpu_, n).value_or(0), gdb_register_size(n), call.reply);
    return Next::answer;
}

Next GdbServer::write_general(const Call& call) {
    std::string_view rest = call.arguments;
    for (std::uint32_t n = 0; n < gdb_register::general; ++n) {
        const std::size_t digits = 2 * gdb_register_size(n);
        const auto value =
            rest.size() < digits ? std::nullopt : parse_value(rest.substr(0, digits));
        if (!value) return answer(call.reply, bad_packet);
        (void)call.target.write_register(cpu_, n, *value);
        rest.remove_prefix(digits);
    }
    return answer(call.reply, rest.empty() ? "OK" : bad_packet);
}

Next GdbServer::read_one(const Call& call) {
    std::string_view rest = call.arguments;
    const auto number = take_hex(rest);
    if (!number || *number > gdb_register::privilege || !rest.empty())
        return answer(call.reply, bad_packet);
    const auto n = static_cast<std::uint32_t>(*number);
    const auto value = call.target.read_register(cpu_, n);
    if (!value) return answer(call.reply, no_such_register);
    put_value(*value, gdb_register_size(n), call.reply);
    return Next::answer;
}

Next GdbServer::write_one(const Call& call) {
    std::string_view rest = call.arguments;
    const auto number = take_hex(rest);
    if (!number || *number > gdb_register::privilege || !take_letter(rest, '='))
        return answer(call.reply, bad_packet);
    const auto value = parse_value(rest);
    if (!value) return answer(call.reply, bad_packet);
    const bool done = call.target.write_register(cpu_, static_cast<std::uint32_t>(*number), *value);
    return answer(call.reply, done ? "OK" : no_such_register);
}

// Memory.

Next GdbServer::read_memory(const Call& call) {
    std::string_view rest = call.arguments;
    const auto place = take_place(rest);
    if (!place || !rest.empty()) return answer(call.reply, bad_packet);
    std::array<std::byte, most_memory> room;
    const auto wanted = std::span(room).first(std::min<std::uint64_t>(place->size, room.size()));
    const std::size_t count = call.target.read_memory(cpu_, place->address, wanted);
    if (count == 0 && !wanted.empty()) return answer(call.reply, no_such_place);
    put_hex_bytes(wanted.first(count), call.reply);
    return Next::answer;
}

Next GdbServer::write_memory(const Call& call) {
    std::string_view rest = call.arguments;
    const auto place = take_place(rest);
    std::array<std::byte, most_memory> room;
    if (!place || place->size > room.size() || !take_letter(rest, ':'))
        return answer(call.reply, bad_packet);
    const auto bytes = std::span(room).first(place->size);
    if (!parse_hex_bytes(rest, bytes)) return answer(call.reply, bad_packet);
    const bool done = call.target.write_memory(cpu_, place->address, bytes);
    return answer(call.reply, done ? "OK" : no_such_place);
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
    const bool fp = call.target.read_register(0, gdb_register::first_fp).has_value();
    FixedBuffer<most_memory> text;
    Window window(part->address, size, text);
    write_target_description(fp, window);
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

// Running.

Next GdbServer::known_actions(const Call& call) {
    return answer(call.reply, "vCont;c;C;s;S");
}

/// Actions with or without a thread each: all threads go on, or the one that is named alone; where
/// one steps, all others stay.
Next GdbServer::resume(const Call& call) {
    std::string_view rest = call.arguments;
    std::optional<std::uint32_t> stepped;
    std::optional<std::uint32_t> named;
    unsigned others = 0;
    for (bool first = true; first || take_letter(rest, ';'); first = false) {
        const char action = rest.empty() ? ' ' : rest.front();
        const bool has_signal = action == 'C' || action == 'S';
        if (!has_signal && action != 'c' && action != 's') return answer(call.reply, bad_packet);
        rest.remove_prefix(1);
        if (has_signal && !take_hex(rest)) return answer(call.reply, bad_packet);
        const bool is_one = take_letter(rest, ':') && !rest.starts_with('-');
        const auto cpu =
            is_one || rest.starts_with('-') ? parse_thread(rest, call.target) : std::optional(cpu_);
        if (!cpu) return answer(call.reply, bad_packet);
        if (!stepped && (action == 's' || action == 'S')) stepped = cpu;
        others += !is_one || named ? 1 : 0;
        if (is_one && !named) named = cpu;
    }
    if (!rest.empty()) return answer(call.reply, bad_packet);
    if (stepped) return step_cpu(call, *stepped);
    if (named && others == 0) call.target.run_alone(*named);
    return Next::go_on;
}

Next GdbServer::step(const Call& call) {
    return call.arguments.empty() ? step_cpu(call, cpu_) : answer(call.reply, bad_packet);
}

Next GdbServer::step_cpu(const Call& call, std::uint32_t cpu) {
    if (!call.target.begin_step(cpu)) return answer(call.reply, refused);
    cpu_ = cpu;
    return Next::go_on;
}

/// Whatever the length of the instruction (the packet's kind).
Next GdbServer::insert(const Call& call) {
    std::string_view rest = call.arguments;
    const auto place = take_place(rest);
    if (!place || !rest.empty()) return answer(call.reply, bad_packet);
    return answer(call.reply, call.target.insert_breakpoint(cpu_, place->address) ? "OK" : refused);
}

Next GdbServer::remove(const Call& call) {
    std::string_view rest = call.arguments;
    const auto place = take_place(rest);
    if (!place || !rest.empty()) return answer(call.reply, bad_packet);
    return answer(call.reply,
                  call.target.remove_breakpoint(cpu_, place->address) ? "OK" : no_such_place);
}

Next GdbServer::go_on(const Call& call) {
    return call.arguments.empty() ? Next::go_on : answer(call.reply, bad_packet);
}

Next GdbServer::refuse(const Call& call) {
    return answer(call.reply, refused);
}

Next GdbServer::detach(const Call& call) {
    call.reply.write("OK");
    return Next::leave;
}

Next GdbServer::leave(const Call&) {
    return Next::leave;
}

}  // namespace cairn
