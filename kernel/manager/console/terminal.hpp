// SPDX-License-Identifier: MIT
// The screen of whoever sits at the monitor.
#pragma once

#include <cairn/writer.hpp>
#include "kernel/host/drivers/console.hpp"

namespace cairn {

class Terminal final : public Writer {
  public:
    void write(std::string_view text) override { console_write_monitor(text); }
};

}  // namespace cairn
