// SPDX-License-Identifier: MIT
#include "tests/guests/sbi_conformance/suite.hpp"

extern "C" void conformance_call(std::uint64_t* x);

namespace cairn::guest::conformance {

World world;

namespace {

Total so_far{};
std::array<std::string_view, 24> names;
std::size_t name_count = 0;
std::atomic<std::uint64_t> changed_registers = 0;  // by any call, a bit each

constexpr std::uint64_t pattern(std::size_t n) {
    return 0x0123'4567'89ab'cdef ^ n * 0x0101'0101'0101'0101;
}

bool is_watched(std::size_t n) {
    return n == 1 || (n >= 5 && n != 10 && n != 11);  // x0, sp, gp and tp have other values
}

bool contains(std::string_view list, std::string_view word) {
    while (!list.empty()) {
        const std::size_t comma = std::min(list.find(','), list.size());
        if (list.substr(0, comma) == word) return true;
        list.remove_prefix(std::min(comma + 1, list.size()));
    }
    return false;
}

void report(std::string_view what, std::string_view when) {
    ++so_far.failures;
    print("failed: {}: {}", what, when);
}

void check_absence(SbiExtension extension, std::string_view name, std::uint64_t function) {
    const SbiResult result = call(extension, function);
    check_error(name, "a function that it does not have", result, {SbiError::not_supported});
}

}  // namespace

SbiResult call_raw(std::uint64_t extension, std::uint64_t function,
                   std::array<std::uint64_t, 6> arguments) {
    std::array<std::uint64_t, 32> x{}, before{};
    for (std::size_t n = 1; n < x.size(); ++n)
        x[n] = pattern(n);
    for (std::size_t n = 0; n < arguments.size(); ++n)
        x[10 + n] = arguments[n];
    x[16] = function;
    x[17] = extension;
    before = x;
    conformance_call(x.data());
    for (std::size_t n = 0; n < x.size(); ++n) {
        if (is_watched(n) && x[n] != before[n]) changed_registers |= std::uint64_t{1} << n;
    }
    const bool legacy = extension <= 0xf;  // "Nothing is returned in a1 register"
    if (legacy && x[11] != before[11]) changed_registers |= 1 << 11;
    return {static_cast<long>(x[10]), x[11]};
}

bool check(std::string_view what, std::string_view when, bool holds) {
    ++so_far.checks;
    if (holds) return true;
    report(what, when);
    println(": it is not so");
    return false;
}

bool check_value(std::string_view what, std::string_view when, std::uint64_t actual,
                 std::uint64_t expected) {
    ++so_far.checks;
    if (actual == expected) return true;
    report(what, when);
    println(": {:#x}, expected {:#x}", actual, expected);
    return false;
}

bool check_error(std::string_view what, std::string_view when, SbiResult result,
                 std::initializer_list<SbiError> allowed) {
    ++so_far.checks;
    for (const SbiError error : allowed) {
        if (result.code() == error) return true;
    }
    report(what, when);
    print(": {} ({}), expected", result.error, to_string(result.code()));
    for (const SbiError error : allowed)
        print(" {}", static_cast<long>(error));
    println();
    return false;
}

bool check_success(std::string_view what, std::string_view when, SbiResult result) {
    return check_error(what, when, result, {SbiError::success});
}

bool check_result(std::string_view what, std::string_view when, SbiResult result,
                  std::uint64_t value) {
    return check_success(what, when, result) && check_value(what, when, result.value, value);
}

bool begin_extension(SbiExtension extension, std::string_view name, std::uint64_t functions) {
    const SbiResult probed = call(SbiExtension::base, SbiBase::probe_extension, extension);
    check_success("BASE probe_extension", name, probed);
    const bool present = probed.ok() && probed.value != 0;
    if (present) names[name_count++] = name;
    if (!present) {
        for (std::uint64_t n = 0; n < functions; ++n)
            check_absence(extension, name, n);
    }
    for (const std::uint64_t n :
         {functions, functions + 1, std::uint64_t{0xff}, std::uint64_t{0x7fff'ffff}, all_ones})
        check_absence(extension, name, n);
    return present;
}

bool dares(std::string_view risk) {
    if (!world.only.empty()) return risk == world.only;
    return !contains(world.skipped, risk);
}

void set_risks(std::string_view word) {
    if (word.starts_with("skip=")) world.skipped = word.substr(5);
    if (word.starts_with("only=")) world.only = word.substr(5);
}

Total total() {
    check_value("Binary Encoding", "registers but a0 and a1 that calls have changed",
                changed_registers, 0);
    return so_far;
}

void print_extensions() {
    for (std::size_t n = 0; n < name_count; ++n)
        print(" {}", names[n]);
}

}  // namespace cairn::guest::conformance
