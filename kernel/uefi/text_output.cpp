// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot or per start of a guest.
#include "kernel/uefi/text_output.hpp"

namespace cairn::uefi {

void TextOutputWriter::write(std::string_view text) {
    if (console_ == nullptr) return;
    for (const char letter : text) {
        const char16_t line_end[] = {u'\r', u'\n', u'\0'};
        const char16_t other[] = {static_cast<unsigned char>(letter), u'\0'};
        (void)console_->output_string(console_, letter == '\n' ? line_end : other);
    }
}

void TextOutputWriter::start_line() {
    if (console_ == nullptr || console_->mode == nullptr) return;
    if (console_->mode->cursor_column != 0) write("\n");
}

}  // namespace cairn::uefi
