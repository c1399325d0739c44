// SPDX-License-Identifier: MIT
// The firmware's console: formatted text goes out as UTF-16, "\n" as "\r\n". What the firmware
// answers is not looked at: there is no other place to complain. Only while Boot Services last.
#pragma once

#include <cairn/writer.hpp>
#include "kernel/uefi/system_table.hpp"

namespace cairn::uefi {

class TextOutputWriter final : public Writer {
  public:
    explicit TextOutputWriter(const SystemTable& table) : console_(table.console_out) {}
    void write(std::string_view text) override;
    /// Ends a line that somebody else has left unfinished.
    void start_line();

  private:
    TextOutput* console_;  ///< may be null: a machine without a console
};

}  // namespace cairn::uefi
