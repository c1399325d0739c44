// SPDX-License-Identifier: MIT
// Why Cairn cannot start from this firmware: the status that it goes back with, and what it was
// doing, as a clause for people ("the VM archive \EFI\cairn\vms.cpio"). Longer text is cut off.
#pragma once

#include <array>
#include <expected>
#include <string_view>

#include <cairn/print.hpp>
#include "kernel/uefi/status.hpp"

namespace cairn::uefi {

class Failure {
  public:
    template <Formattable... Args>
    Failure(Status status, FormatString<Args...> format, const Args&... args) : status_(status) {
        SpanWriter writer(text_);
        print(writer, format, args...);
        size_ = writer.view().size();
    }

    [[nodiscard]] Status status() const { return status_; }
    [[nodiscard]] std::string_view text() const { return {text_.data(), size_}; }

  private:
    Status status_;
    std::array<char, 200> text_;
    std::size_t size_ = 0;
};

inline void format_value(Writer& writer, const Failure& failure) {
    print(writer, "{}: {}", failure.text(), failure.status());
}

template <class T>
using Outcome = std::expected<T, Failure>;

/// `std::unexpected` of a Failure.
template <Formattable... Args>
[[nodiscard]] std::unexpected<Failure> fail(Status status, FormatString<Args...> format,
                                            const Args&... args) {
    return std::unexpected<Failure>(std::in_place, status, format, args...);
}

}  // namespace cairn::uefi
