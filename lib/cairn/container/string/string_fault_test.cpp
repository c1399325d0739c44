// SPDX-License-Identifier: MIT
// `string` without memory: every operation is run with its first, second ... request refused, until
// it succeeds; each time before, nothing may have changed.
#include <cstddef>
#include <string>
#include <string_view>

#include "cairn/container/container_test_allocator.hpp"
#include "cairn/string.hpp"
#include "cairn/string_writer.hpp"
#include "tests/unit/catch.hpp"

namespace cairn {
namespace {

using testing::Ledger;
using testing::OutOfMemory;
using testing::TestAllocator;
using Text = basic_string<TestAllocator<char>>;

struct Operation {
    std::string_view name;
    bool (*run)(Text& s);  // whether it succeeded
};

constexpr std::string_view more = "fifty characters, give or take a few in either way";
constexpr Operation operations[] = {
    {"try_push_back", [](auto& s) { return s.try_push_back('x').has_value(); }},
    {"try_append", [](auto& s) { return s.try_append(more).has_value(); }},
    {"try_append of itself", [](auto& s) { return s.try_append(s).has_value(); }},
    {"try_append of one character", [](auto& s) { return s.try_append(50, 'x').has_value(); }},
    {"try_insert", [](auto& s) { return s.try_insert(3, more).has_value(); }},
    {"try_insert of itself", [](auto& s) { return s.try_insert(3, s).has_value(); }},
    {"try_replace", [](auto& s) { return s.try_replace(3, 4, more).has_value(); }},
    {"try_assign", [](auto& s) { return s.try_assign(more).has_value(); }},
    {"try_assign of one character", [](auto& s) { return s.try_assign(50, 'x').has_value(); }},
    {"try_resize", [](auto& s) { return s.try_resize(50).has_value(); }},
    {"try_reserve", [](auto& s) { return s.try_reserve(50).has_value(); }},
    {"try_from", [](auto& s) { return Text::try_from(more, s.get_allocator()).has_value(); }},
};

/// Runs `operation` on a full string with `allowed` requests granted; whether it succeeded.
bool succeeds_with(const Operation& operation, std::string_view text, std::size_t allowed,
                   std::size_t slack) {
    Ledger ledger;
    ledger.slack = slack;
    bool succeeded = false;
    {
        Text s(text, TestAllocator<char>(ledger));
        s.shrink_to_fit();
        const char* const place = s.data();
        const std::size_t capacity = s.capacity();
        const std::size_t bytes = ledger.bytes;
        ledger.allowed = allowed;
        succeeded = operation.run(s);
        if (!succeeded) {
            CHECK(s == text);
            CHECK(s.data() == place);
            CHECK(s.capacity() == capacity);
            CHECK(ledger.bytes == bytes);
        }
        CHECK(s.c_str()[s.size()] == '\0');
    }
    CHECK(ledger.bytes == 0);
    CHECK(ledger.errors == 0);
    return succeeded;
}

TEST_CASE("a try_ form of string that fails has changed nothing", "[string_fault]") {
    for (const Operation& operation : operations) {
        for (const std::string_view text : {"123456789abcdef", "more than fifteen characters"}) {
            for (const std::size_t slack : {0UZ, 8UZ, 4096UZ}) {
                std::size_t allowed = 0;
                while (allowed < 20 && !succeeds_with(operation, text, allowed, slack))
                    ++allowed;
                INFO(operation.name << " with " << slack << " bytes of slack");
                CHECK(allowed > 0);
                CHECK(allowed < 20);
            }
        }
    }
}

TEST_CASE("a plain form of string leaves running out of memory to the allocator",
          "[string_fault]") {
    Ledger ledger;
    {
        Text s("123456789abcdef", TestAllocator<char>(ledger));
        ledger.allowed = 0;
        CHECK_THROWS_AS(s.push_back('x'), OutOfMemory);
        CHECK_THROWS_AS(s.append(more), OutOfMemory);
        CHECK_THROWS_AS(s.insert(1, more), OutOfMemory);
        CHECK_THROWS_AS(s = more, OutOfMemory);
        CHECK_THROWS_AS(s.resize(50), OutOfMemory);
        CHECK_THROWS_AS(s.reserve(50), OutOfMemory);
        CHECK_THROWS_AS(Text(more, s.get_allocator()), OutOfMemory);
        CHECK(s == "123456789abcdef");
        s.erase(2, 4).replace(0, 2, "AB").assign("fits");
        CHECK(s == "fits");
    }
    CHECK(ledger.bytes == 0);
}

TEST_CASE("near the end of memory a string takes no more than it needs", "[string_fault]") {
    Ledger ledger;
    Text s(100, 'x', TestAllocator<char>(ledger));
    ledger.largest = 102;
    CHECK(s.try_push_back('y').has_value());
    CHECK(s.capacity() == 101);
    CHECK(s.try_push_back('y').error() == ContainerError::out_of_memory);
    CHECK(s.try_append(SIZE_MAX, 'y').error() == ContainerError::too_long);
    CHECK(s.try_reserve(SIZE_MAX).error() == ContainerError::too_long);
    CHECK(s.size() == 101);
}

TEST_CASE("what is formatted into a string is all there, or its beginning", "[string_fault]") {
    const auto text = try_format("{:>20} {:#x}", "twenty", 255);
    REQUIRE(text.has_value());
    CHECK(*text == "              twenty 0xff");

    Ledger ledger;
    ledger.allowed = 1;
    Text s{TestAllocator<char>(ledger)};
    StringWriter writer(s);
    format_to(writer, "{}", "0123456789");
    CHECK(writer.result().has_value());
    format_to(writer, "{}", "a text that takes a block");
    CHECK(writer.result().has_value());
    const std::string before(s);
    format_to(writer, "{}", more);
    format_to(writer, "{}", "x");
    CHECK(writer.result().error() == ContainerError::out_of_memory);
    CHECK(s == before);
}

}  // namespace
}  // namespace cairn
