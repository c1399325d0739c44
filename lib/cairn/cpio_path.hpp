// SPDX-License-Identifier: MIT
// A path in an archive, part by part, as whoever unpacks it into a folder reads it: "a/b", "/a/b",
// "./a//b" and "a/./b" are the same. ".." is a part like others, which no file of an archive made
// from a folder has; it is not followed. A view of the text, without allocation.
#pragma once

#include <string_view>

namespace cairn {

class CpioPath {
  public:
    constexpr explicit CpioPath(std::string_view text) : rest_(text) {}

    /// Takes the next part off; empty at the end.
    constexpr std::string_view take() {
        while (!rest_.empty()) {
            const std::size_t slash = rest_.find('/');
            const std::string_view part = rest_.substr(0, slash);
            rest_.remove_prefix(slash == std::string_view::npos ? rest_.size() : slash + 1);
            if (!part.empty() && part != ".") return part;
        }
        return {};
    }

    /// Takes the parts of `folder` off; false where they are not in front.
    [[nodiscard]] constexpr bool take(CpioPath folder) {
        for (auto part = folder.take(); !part.empty(); part = folder.take()) {
            if (take() != part) return false;
        }
        return true;
    }

    /// What is left, without "./" and "/" in front.
    [[nodiscard]] constexpr std::string_view text() const {
        std::string_view text = rest_;
        for (;;) {
            if (text.starts_with('/')) {
                text.remove_prefix(1);
            } else if (text.starts_with("./")) {
                text.remove_prefix(2);
            } else {
                return text;
            }
        }
    }

    constexpr bool operator==(CpioPath other) const {
        CpioPath own = *this;
        return own.take(other) && own.take().empty();
    }

  private:
    std::string_view rest_;
};

static_assert(CpioPath("./a//b/") == CpioPath("/a/./b"));
static_assert(CpioPath(".") == CpioPath("") && CpioPath("/") == CpioPath(""));
static_assert(CpioPath("a") != CpioPath("a/b") && CpioPath("a/b") != CpioPath("a"));
static_assert(CpioPath("a/../b") != CpioPath("b") && CpioPath(".a") != CpioPath("a"));
static_assert(CpioPath("/.//a//./b").text() == "a//./b" && CpioPath("./").text().empty());

}  // namespace cairn
