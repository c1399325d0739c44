// SPDX-License-Identifier: MIT
// A text as a JSON string (RFC 8259, section 7): in double quotes, with escapes. Bytes that are no
// UTF-8 become U+FFFD each, so that any bytes of a guest or an archive make a line that a reader
// takes. Pure.
#pragma once

#include <string_view>

#include <cairn/writer.hpp>

namespace cairn {

void write_json_string(Writer& out, std::string_view text);

}  // namespace cairn
