// SPDX-License-Identifier: MIT
// Prints more than any wire takes: numbered lines, of which a reader sees whether one is missing.
// Arguments: WAY LINES. The ways are `uart`, which waits for the transmitter as drivers do, `dbcn`
// and `dbcn-byte`, by SBI calls, and `blind`, which does not look whether the UART takes anything.
#include <charconv>
#include <span>

#include "tests/guests/guest_runtime.hpp"

namespace cairn::guest {
namespace {

volatile std::uint8_t& thr = *reinterpret_cast<volatile std::uint8_t*>(uart_base);

void write_blindly(std::string_view text) {
    for (const char letter : text)
        thr = static_cast<std::uint8_t>(letter);
}
void write_by_uart(std::string_view text) {
    for (const char letter : text)
        uart_put(letter);
}
void write_by_dbcn(std::string_view text) {
    while (!text.empty()) {
        const auto written = sbi_call(SbiExtension::dbcn, SbiDbcn::console_write, text.size(),
                                      reinterpret_cast<std::uint64_t>(text.data()), 0);
        if (!written.ok()) return;
        text.remove_prefix(written.value);
    }
}
void write_by_byte(std::string_view text) {
    for (const char letter : text)
        sbi_call(SbiExtension::dbcn, SbiDbcn::console_write_byte,
                 static_cast<unsigned char>(letter));
}

struct Way {
    std::string_view name;
    void (*write)(std::string_view text);
};
constexpr Way ways[] = {{"uart", write_by_uart},
                        {"dbcn", write_by_dbcn},
                        {"dbcn-byte", write_by_byte},
                        {"blind", write_blindly}};

}  // namespace

void run(std::string_view arguments) {
    const std::size_t space = arguments.find(' ');
    const std::string_view name = arguments.substr(0, space);
    arguments.remove_prefix(space + 1);
    unsigned lines = 0;
    (void)std::from_chars(arguments.data(), arguments.data() + arguments.size(), lines);
    println("flood: begins");
    for (const Way& way : ways) {
        if (way.name != name) continue;
        for (unsigned line = 1; line <= lines; ++line) {
            FixedBuffer<64> text;
            print(text, "flood: line {} of {}\r\n", line, lines);
            way.write(text.view());
        }
    }
    println("flood: end");
}

}  // namespace cairn::guest
