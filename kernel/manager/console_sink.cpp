// SPDX-License-Identifier: MIT
#include "kernel/manager/console_sink.hpp"

#include "kernel/host/console.hpp"

namespace cairn {
namespace {

class ConsoleSink final : public ByteSink {
  public:
    void put(std::byte byte) override { console_write_guest(static_cast<char>(byte)); }
    void put(std::span<const std::byte> bytes) override {
        console_write_guest({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    }
};
constinit ConsoleSink sink;

}  // namespace

ByteSink& guest_console() {
    return sink;
}

}  // namespace cairn
