// SPDX-License-Identifier: MIT
#include "kernel/manager/gdb/packet.hpp"

#include <rapidcheck.h>

#include <string>
#include <vector>

#include "tests/unit/catch.hpp"

namespace cairn {
namespace {

using Event = PacketReader::Event;

struct Text final : Writer {
    void write(std::string_view text) override { all += text; }
    std::string all;
};

/// What came of `bytes` but for nothing; packets with their bodies.
std::vector<std::string> read(std::string_view bytes, PacketReader& reader) {
    std::vector<std::string> events;
    for (const char byte : bytes) {
        switch (reader.take(static_cast<std::byte>(byte))) {
            case Event::nothing: break;
            case Event::packet: events.push_back("=" + std::string(reader.body())); break;
            case Event::damaged: events.emplace_back("damaged"); break;
            case Event::interrupt: events.emplace_back("interrupt"); break;
            case Event::resend: events.emplace_back("resend"); break;
        }
    }
    return events;
}
std::vector<std::string> read(std::string_view bytes) {
    PacketReader reader;
    return read(bytes, reader);
}

using Events = std::vector<std::string>;

TEST_CASE("packets are taken out of what is between them", "[packet]") {
    CHECK(read("+$g#67+") == Events{"=g"});
    CHECK(read("$#00") == Events{"="});
    CHECK(read("junk\x10\r\n$m1,2#FC$?#3f") == Events{"=m1,2", "=?"});
    CHECK(read("$X}\x03}]#b2") == Events{"=X#}"});
}

TEST_CASE("Ctrl-C and a wish to hear again come between packets", "[packet]") {
    CHECK(read("\x03-") == Events{"interrupt", "resend"});
    CHECK(read("$\x03-#30") == Events{"=\x03-"});
}

TEST_CASE("damaged packets are said to be", "[packet]") {
    CHECK(read("$g#68") == Events{"damaged"});
    CHECK(read("$g#6x") == Events{"damaged"});
    CHECK(read("$g}#e4") == Events{"damaged"});
    CHECK(read("$gg#6$g#67") == Events{"=g"});
    CHECK(read("$half a pack$g#67") == Events{"=g"});
}

TEST_CASE("a packet that is too long is refused, the next is not", "[packet]") {
    const auto packet = [](std::size_t size) {
        Text text;
        write_packet(std::string(size, 'a'), text);
        return text.all;
    };
    CHECK(read(packet(PacketReader::most)).front().size() == PacketReader::most + 1);
    CHECK(read(packet(PacketReader::most + 1) + "$g#67") == Events{"damaged", "=g"});
}

TEST_CASE("what is written is read again", "[packet]") {
    CHECK(rc::check([](const std::vector<std::uint8_t>& bytes, const std::string& before) {
        const std::string body(bytes.begin(), bytes.end());
        Text text;
        write_packet(body, text);
        PacketReader reader;
        (void)read(before, reader);
        RC_ASSERT(read(text.all, reader) == Events{"=" + body});
    }));
}

}  // namespace
}  // namespace cairn
