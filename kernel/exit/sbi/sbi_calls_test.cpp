// SPDX-License-Identifier: MIT
#include "kernel/exit/sbi/sbi_calls.hpp"

#include <rapidcheck.h>

#include "tests/unit/guest_bench.hpp"

using namespace cairn;
using namespace cairn::test;

namespace {

#define CAIRN_ROW(name, number, title) std::uint64_t{number},
/// Every extension that the specification lists, and two that it does not.
const std::vector<std::uint64_t> listed{CAIRN_SBI_EXTENSIONS(CAIRN_ROW) 0x09, ~std::uint64_t{0}};
#undef CAIRN_ROW

}  // namespace

TEST_CASE("an extension that does not exist is not supported", "[sbi_calls]") {
    GuestBench bench;
    for (const std::uint64_t extension :
         {0x09ull, 0x0full, 0x11ull, 0x0a00'0000ull, 0x0900'0000ull, 0x1'5449'4d45ull, ~0ull}) {
        const std::uint64_t before = bench.pc();
        CHECK(bench.ecall(extension, 0, 1, 2, 3) == not_supported);
        CHECK(bench.pc() == before + 4);
    }
    CHECK(!bench.vm.stopped());
}

TEST_CASE("probing tells which extensions answer", "[sbi_calls]") {
    for (const std::uint64_t extension : listed) {
        INFO("extension " << std::hex << extension);
        GuestBench bench;
        const bool answers = bench.ecall(extension, 0, 5).code() != SbiError::not_supported;
        CHECK(sbi_extension_present(extension) == answers);
        const SbiResult probed =
            bench.call(SbiExtension::base, SbiBase::probe_extension, extension);
        CHECK(probed == sbi_success(answers ? 1 : 0));
    }
}

TEST_CASE("guests have what Linux needs", "[sbi_calls]") {
    for (const SbiExtension extension :
         {SbiExtension::base, SbiExtension::time, SbiExtension::ipi, SbiExtension::rfence,
          SbiExtension::hsm, SbiExtension::srst, SbiExtension::dbcn, SbiExtension::pmu,
          SbiExtension::susp, SbiExtension::sta, SbiExtension::fwft,
          SbiExtension::legacy_console_putchar, SbiExtension::legacy_set_timer}) {
        CHECK(sbi_extension_present(static_cast<std::uint64_t>(extension)));
    }
    CHECK(!sbi_extension_present(static_cast<std::uint64_t>(SbiExtension::legacy_send_ipi)));
    for (const SbiExtension extension : {SbiExtension::cppc, SbiExtension::nacl, SbiExtension::sse,
                                         SbiExtension::dbtr, SbiExtension::mpxy}) {
        CHECK(!sbi_extension_present(static_cast<std::uint64_t>(extension)));
    }
}

TEST_CASE("a function that an extension does not have is not supported", "[sbi_calls]") {
    GuestBench bench;
    const auto check = [&](SbiExtension extension, std::uint64_t first_missing) {
        INFO(to_string(extension));
        for (const std::uint64_t function :
             {first_missing, std::uint64_t{0xff}, ~std::uint64_t{0}}) {
            CHECK(bench.call(extension, function, 1, 0) == not_supported);
        }
    };
    check(SbiExtension::base, 7);
    check(SbiExtension::time, 1);
    check(SbiExtension::ipi, 1);
    check(SbiExtension::rfence, 3);  // guests have no H extension
    check(SbiExtension::hsm, 4);
    check(SbiExtension::srst, 1);
    check(SbiExtension::dbcn, 3);
    check(SbiExtension::pmu, 9);
    check(SbiExtension::susp, 1);
    check(SbiExtension::sta, 1);
    check(SbiExtension::fwft, 2);
    CHECK(!bench.vm.stopped());
    CHECK(bench.console.text.empty());
    CHECK(fake_sbi_calls.empty());
    CHECK(fake_csrs[static_cast<std::size_t>(Csr::hvip)] == 0);
}

TEST_CASE("no call of a guest fails to be answered", "[sbi_calls]") {
    CHECK(rc::check([] {
        GuestBench bench({.sstc = *rc::gen::arbitrary<bool>()});
        const auto word = rc::gen::oneOf(
            rc::gen::inRange<std::uint64_t>(0, 8), rc::gen::arbitrary<std::uint64_t>(),
            rc::gen::inRange<std::uint64_t>(bench.ram_base - 8, bench.ram_end + 8));
        const auto extension = *rc::gen::elementOf(listed);
        const auto function = *rc::gen::oneOf(rc::gen::inRange<std::uint64_t>(0, 8), word);
        const SbiResult result = bench.ecall(extension, function, *word, *word, *word);
        RC_ASSERT(result.error <= 0 || extension <= 8 ||
                  extension == static_cast<std::uint64_t>(SbiExtension::hsm));
    }));
}
