// SPDX-License-Identifier: MIT
#include "kernel/arch/isa/isa_string.hpp"

#include <rapidcheck.h>

#include <array>
#include <string>

#include "tests/unit/catch.hpp"

using namespace cairn;

namespace {

std::string written(const IsaSet& set) {
    std::array<char, isa_string_capacity> buffer{};
    return std::string(write_isa_string(set, buffer).value());
}

std::string canonical(std::string_view text) {
    return written(parse_isa_string(text).value());
}

constexpr GuestIsaOptions all_options{
    .counters = true, .sstc = true, .cache_blocks = true, .page_types = true};

}  // namespace

TEST_CASE("the string of QEMU 7.2 becomes a guest's", "[isa_string]") {
    const auto machine = parse_isa_string(
        "rv64imafdch_zicbom_zicboz_zicsr_zifencei_zihintpause_zba_zbb_zbc_zbs_sstc_svpbmt");
    REQUIRE(machine);
    CHECK(machine->contains(IsaExtension::h));
    CHECK(written(guest_isa(*machine, {})) ==
          "rv64imafdc_zicsr_zifencei_zihintpause_zba_zbb_zbc_zbs");
    CHECK(written(guest_isa(*machine, all_options)) ==
          "rv64imafdc_zicbom_zicboz_zicsr_zifencei_zihintpause_zba_zbb_zbc_zbs_sstc_svpbmt");
    CHECK(written(guest_isa(*machine, {.sstc = true})).ends_with("_zbs_sstc"));
}

TEST_CASE("no guest is told of state that is not saved", "[isa_string]") {
    const auto machine = parse_isa_string(
        "rv64imafdcvhq_zicfiss_zkr_zk_zve64d_zvl128b_smaia_ssaia_sscofpmf_xtheadba");
    REQUIRE(machine);
    CHECK(written(guest_isa(*machine, all_options)) == "rv64imafdc");
}

TEST_CASE("what the guest's SBI turns on is told where it can", "[isa_string]") {
    const auto machine = parse_isa_string("rv64i_zicntr_zihpm_svade_svadu");
    REQUIRE(machine);
    CHECK(written(guest_isa(*machine, {})) == "rv64i_svade");
    CHECK(written(guest_isa(*machine, {.hpm_counters = true})) == "rv64i_zihpm_svade");
    CHECK(written(guest_isa(*machine, {.page_updates = true})) == "rv64i_svadu_svade");
}

TEST_CASE("ISA strings are read as the naming conventions say", "[isa_string]") {
    CHECK(canonical("rv64i") == "rv64i");
    CHECK(canonical("RV64IMAC_ZICSR") == "rv64imac_zicsr");
    CHECK(canonical("rv64gc") == "rv64imafdc_zicsr_zifencei");
    CHECK(canonical("rv64ib") == "rv64ib_zba_zbb_zbs");
    CHECK(canonical("rv64i2p1m2a2p1c2p0_zicsr2p0_zifencei2") == "rv64imac_zicsr_zifencei");
    CHECK(canonical("rv64imaczicsr") == "rv64imac_zicsr");
    CHECK(canonical("rv64ima_zicsr_c") == "rv64imac_zicsr");
    CHECK(canonical("rv64ipm") == "rv64im");
    CHECK(canonical("rv64i__m___") == "rv64im");
    CHECK(canonical("rv64i_za64rs_zic64b1p0") == "rv64i_zic64b_za64rs");
    CHECK(canonical("rv64i_zicsrx_zic_z_s_x") == "rv64i");
}

TEST_CASE("what is no ISA string of RV64 has a reason", "[isa_string]") {
    for (const char* text : {"", "r", "rv64", "rv32imac", "rv128i", "rv64_i", "rv64e", "64i"}) {
        INFO(text);
        CHECK(parse_isa_string(text).error() == IsaError::not_rv64);
    }
    CHECK(parse_isa_string("rv64i m").error() == IsaError::bad_character);
    CHECK(parse_isa_string("rv64i\xff").error() == IsaError::bad_character);
    CHECK(parse_isa_string(std::string_view("rv64i\0", 6)).error() == IsaError::bad_character);
    CHECK(to_string(IsaError::not_rv64).contains("rv64"));
}

TEST_CASE("the list form is read and written", "[isa_string]") {
    using namespace std::string_literals;
    const IsaSet set = parse_isa_list("i\0m\0Zicsr\0sstc\0unknown\0\0"s);
    CHECK(set == IsaSet{IsaExtension::i, IsaExtension::m, IsaExtension::zicsr, IsaExtension::sstc});
    std::array<char, isa_string_capacity> buffer{};
    CHECK(write_isa_list(set, buffer).value() == "i\0m\0zicsr\0sstc\0"s);
    // Without the last NUL, and nothing at all.
    CHECK(parse_isa_list("i\0m"s) == IsaSet{IsaExtension::i, IsaExtension::m});
    CHECK(parse_isa_list({}) == IsaSet{});
}

TEST_CASE("a buffer that is too small is reported and never overrun", "[isa_string]") {
    const IsaSet set{IsaExtension::i, IsaExtension::zicsr};  // "rv64i_zicsr"
    for (std::size_t size = 0; size <= 11; ++size) {
        std::string buffer(size, '#');
        const auto result = write_isa_string(set, buffer);
        if (size < 11) {
            CHECK(result.error() == IsaError::buffer_too_small);
        } else {
            CHECK(result.value() == "rv64i_zicsr");
        }
    }
}

TEST_CASE("the capacity holds every extension there is", "[isa_string]") {
    IsaSet every;
    for (const IsaRow& row : isa_rows) {
        CHECK(isa_rows[static_cast<std::size_t>(row.extension)].name == row.name);
        every.insert(row.extension);
    }
    CHECK(canonical(written(every)) == written(every));
}

TEST_CASE("any bytes have an answer, and what is written reads back", "[isa_string]") {
    CHECK(rc::check([](const std::string& bytes) {
        static_cast<void>(parse_isa_list(bytes));
        static_cast<void>(parse_isa_string(bytes));
        const auto parsed = parse_isa_string("rv64i" + bytes);
        if (parsed) RC_ASSERT((parse_isa_string(written(*parsed)).value() == *parsed));
    }));
    CHECK(rc::check([] {
        const auto text = *rc::gen::container<std::string>(
            rc::gen::elementOf(std::string("imafdcgbqvhzsxp0129_ZSICRB")));
        const auto parsed = parse_isa_string("rv64i" + text);
        RC_ASSERT((parse_isa_string(written(parsed.value())).value() == *parsed));
    }));
}
