// SPDX-License-Identifier: MIT
#include "kernel/arch/firmware/sbi.hpp"

#include <cstdint>
#include <string>

#include "tests/unit/catch.hpp"

using namespace cairn;

namespace {

// The specification forms most extension ids from the ASCII letters of the extension's short name.
std::uint64_t from_letters(std::string_view letters) {
    std::uint64_t id = 0;
    for (const char letter : letters)
        id = (id << 8) | static_cast<unsigned char>(letter);
    return id;
}

}  // namespace

TEST_CASE("extension ids spell their short names", "[sbi]") {
    for (const SbiExtension extension :
         {SbiExtension::time, SbiExtension::ipi, SbiExtension::rfence, SbiExtension::hsm,
          SbiExtension::srst, SbiExtension::pmu, SbiExtension::dbcn, SbiExtension::susp,
          SbiExtension::cppc, SbiExtension::nacl, SbiExtension::sta, SbiExtension::sse,
          SbiExtension::fwft, SbiExtension::dbtr, SbiExtension::mpxy}) {
        const std::string_view title = to_string(extension);
        const auto open = title.find('(');
        const std::string_view letters = title.substr(open + 1, title.size() - open - 2);
        INFO(title);
        CHECK(from_letters(letters) == static_cast<std::uint64_t>(extension));
    }
}

TEST_CASE("SBI values have words, listed or not", "[sbi]") {
    CHECK(to_string(SbiError::denied) == "denied or not allowed");
    CHECK(to_string(static_cast<SbiError>(-99)) == "error that the specification does not list");
    CHECK(to_string(static_cast<SbiError>(1)) == "error that the specification does not list");
    CHECK(to_string(SbiHartState::start_pending) == "start pending");
    CHECK(to_string(SbiResetType::cold_reboot) == "cold reboot");
    CHECK(to_string(SbiResetReason::system_failure) == "system failure");
    CHECK(sbi_function_name(SbiExtension::hsm, 0) == "hart start");
    CHECK(sbi_function_name(SbiExtension::dbcn, 2) == "console write byte");
    CHECK(sbi_function_name(SbiExtension::hsm, 4).empty());
    CHECK(sbi_function_name(static_cast<SbiExtension>(0xffff'ffff'ffff'ffff), 0).empty());
}

TEST_CASE("SBI results and versions", "[sbi]") {
    CHECK(sbi_success(7) == SbiResult{0, 7});
    CHECK(sbi_error(SbiError::invalid_param) == SbiResult{-3, 0});
    CHECK(sbi_error(SbiError::io).code() == SbiError::io);
    CHECK(sbi_spec_version(2, 0) == 0x0200'0000);
    CHECK(sbi_spec_version(1, 2) == 0x0100'0002);
}
