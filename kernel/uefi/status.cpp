// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot or per start of a guest.
#include "kernel/uefi/status.hpp"

#include <array>
#include <cstddef>

namespace cairn::uefi {
namespace {

struct Row {
    Status status;
    std::string_view name;  ///< as the enumerator is called
};

constexpr Row rows[] = {{Status::success, "success"},
#define CAIRN_ROW(name, number) {Status::name, #name},
                        CAIRN_UEFI_WARNINGS(CAIRN_ROW) CAIRN_UEFI_ERRORS(CAIRN_ROW)
#undef CAIRN_ROW
};

constexpr std::size_t longest = 32;

/// "EFI_" and the enumerator's name in capitals.
struct SpecificationName {
    std::array<char, longest> letters{};
    std::size_t size = 0;
};

consteval SpecificationName specification_name(std::string_view name) {
    SpecificationName made;
    for (const char letter : std::string_view("EFI_"))
        made.letters[made.size++] = letter;
    for (const char letter : name) {
        const bool small = letter >= 'a' && letter <= 'z';
        made.letters[made.size++] = static_cast<char>(small ? letter - 'a' + 'A' : letter);
    }
    return made;
}

consteval auto specification_names() {
    std::array<SpecificationName, std::size(rows)> names;
    for (std::size_t i = 0; i < names.size(); ++i)
        names[i] = specification_name(rows[i].name);
    return names;
}
constexpr auto names = specification_names();

}  // namespace

std::string_view to_string(Status status) {
    for (std::size_t i = 0; i < std::size(rows); ++i) {
        if (rows[i].status == status) return {names[i].letters.data(), names[i].size};
    }
    return "an unknown EFI_STATUS";
}

}  // namespace cairn::uefi
