// SPDX-License-Identifier: MIT
#include "kernel/vm/exits/exit_record.hpp"

#include <string>

#include "tests/unit/catch.hpp"
#include "tests/unit/device_doubles.hpp"

using namespace cairn;

namespace {

std::string words(const ExitRecord& record) {
    test::Transcript screen;
    test::Keyboard keyboard;
    test::PowerLog power;
    const GuestDevices devices(1, {screen, keyboard}, power);
    FixedBuffer<128> text;
    describe_exit(text, record, cause_of(record, {{0x8000'0000}, 0x1000}, devices.list()));
    return std::string(text.view());
}

ExitRecord record(std::uint64_t scause, std::uint64_t subject) {
    return {.subject = subject, .cause = ExitRecord::short_cause(scause)};
}

}  // namespace

TEST_CASE("a record has the cause that scause said", "[exit_record]") {
    for (std::uint64_t code = 0; code < 64; ++code) {
        for (const std::uint64_t scause : {code, code | std::uint64_t{1} << 63})
            CHECK(record(scause, 0).scause() == scause);
    }
}

TEST_CASE("what does not fit 32 bits is all ones", "[exit_record]") {
    CHECK(saturated(0) == 0);
    CHECK(saturated(0xffff'fffe) == 0xffff'fffe);
    CHECK(saturated(0xffff'ffff) == 0xffff'ffff);
    CHECK(saturated(0x1'0000'0000) == 0xffff'ffff);
}

TEST_CASE("an exit has words for all that is known of it", "[exit_record]") {
    ExitRecord store = record(23, 0x1000'0000);
    CHECK(words(store) == "store to UART at 0x10000000");
    store.value = 0x41;
    store.has_value = true;
    CHECK(words(store) == "store to UART at 0x10000000: 0x41");
    store.is_user = true;
    CHECK(words(store) == "store to UART at 0x10000000: 0x41, user mode");
    ExitRecord call = record(10, 0x54494d45);
    call.value = 0x1234;
    call.has_value = true;
    CHECK(words(call) == "SBI timer (TIME): set timer: 0x1234");
    call.function = ~0u;
    CHECK(words(call) == "SBI timer (TIME): 0x1234");
    CHECK(words(record(1ull << 63 | 5, 0)) == "supervisor timer interrupt");
    CHECK(words(record(22, 0x1050'0073)) == "virtual instruction wfi");
    CHECK(words(record(22, 0)) == "virtual instruction");
    CHECK(words(record(20, 0x4000'0000)) == "instruction guest-page fault at 0x40000000");
}
