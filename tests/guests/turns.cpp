// SPDX-License-Identifier: MIT
// A guest that computes from one moment to another, and says how much of that time it has had: what
// vCPUs that share a hart cost each other, and whether each has its part. It runs on the bare
// machine just the same. Arguments: "NAME BEGIN END [LATER]", in milliseconds of `time`; an END
// like +500 is so much later than it begins. It sleeps until BEGIN, works until END, prints
//
//     turns: NAME did N in M turns, waited W at most
//
// (N in instructions under QEMU's `-icount shift=0`, W in ticks), sleeps until LATER, and powers
// off. So each of several VMs comes to the front of the console in its time, with what it has
// printed.
#include <algorithm>
#include <charconv>

#include "kernel/arch/guest/hart_operations.hpp"
#include "tests/guests/guest_runtime.hpp"

namespace cairn::guest {
namespace {

struct Work {
    std::uint64_t blocks = 0;  ///< of `instructions_per_block`
    std::uint64_t turns = 1;
    std::uint64_t longest_wait = 0;  ///< in ticks
};
constexpr std::uint64_t instructions_per_block = 200;
constexpr std::uint64_t instructions_per_turn = 6;
constexpr std::uint64_t ticks_per_millisecond = 10'000;

// turns.S: works until `time` is `end`. A jump of it by `gap` ticks and more was another's turn.
extern "C" void work_until(std::uint64_t end, Work* work, std::uint64_t gap);

std::uint64_t now() {
    return csr_read<Csr::time>();
}

void sleep_until(std::uint64_t deadline) {
    csr_write<Csr::sie>(Sip::STIP::mask);
    sbi_call(SbiExtension::time, SbiTime::set_timer, deadline);
    while (now() < deadline)
        wait_for_interrupt();
    sbi_call(SbiExtension::time, SbiTime::set_timer, ~std::uint64_t{0});
    csr_write<Csr::sie>(0);
}

std::string_view take_word(std::string_view& text) {
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return word;
}

/// In ticks; 0 where there is none.
std::uint64_t take_time(std::string_view& text) {
    const std::string_view word = take_word(text);
    std::uint64_t milliseconds = 0;
    std::from_chars(word.data(), word.data() + word.size(), milliseconds);
    return milliseconds * ticks_per_millisecond;
}

}  // namespace

void run(std::string_view arguments) {
    const std::string_view name = take_word(arguments);
    const std::uint64_t begin = take_time(arguments);
    const bool is_relative = arguments.starts_with('+');
    if (is_relative) arguments.remove_prefix(1);
    const std::uint64_t end = take_time(arguments);
    const std::uint64_t later = take_time(arguments);
    Work work;
    sleep_until(begin);
    work_until(is_relative ? now() + end : end, &work, ticks_per_millisecond);
    println("turns: {} did {} in {} turns, waited {} at most", name,
            work.blocks * instructions_per_block + (work.turns - 1) * instructions_per_turn,
            work.turns, work.longest_wait);
    sleep_until(later);
}

}  // namespace cairn::guest
