// SPDX-License-Identifier: MIT
// Writes to its own image, data and code, on all harts at once, and looks at what each hart finds
// there afterwards. With the argument `again` it then resets, and must find the image as it was.
#include <array>
#include <atomic>

#include "kernel/arch/guest/hart_operations.hpp"
#include "tests/guests/guest_runtime.hpp"

extern "C" {
void smp_entry();
std::uint64_t own_image_answer();
extern volatile std::uint64_t own_image_words[];
}

namespace cairn::guest {
namespace {

constexpr std::size_t max_harts = 8;
constexpr std::size_t words = (4 << 20) / sizeof(std::uint64_t);
constexpr std::size_t words_of_page = 512;
constexpr std::uint32_t li_a0_2 = 0x0020'0513;  // as `li a0, 1` in own_image_words.S

alignas(16) std::array<std::array<std::byte, 16384>, max_harts> stacks;
std::size_t hart_count = 0;
std::atomic<std::size_t> arrivals = 0;
std::atomic<bool> failed = false;

std::uint64_t packed(std::size_t n) {
    return n * 0x1'0001 + 1;
}

/// The hart that writes to word n; max_harts where none does. One word of each page for each hart,
/// elsewhere on every page.
std::size_t writer(std::size_t n) {
    const std::size_t page = n / words_of_page;
    const std::size_t place = (n + words_of_page - page % words_of_page) % words_of_page;
    return place % 16 == 0 && place / 16 < hart_count ? place / 16 : max_harts;
}

void fail(std::size_t hart, std::string_view what, std::size_t n, std::uint64_t found) {
    if (!failed.exchange(true)) println("own_image: hart {}: {} {} is {:#x}", hart, what, n, found);
}

/// All harts are here before one goes on.
void meet(std::size_t round) {
    ++arrivals;
    while (arrivals < round * hart_count && !failed) {
    }
}

void check_words(std::size_t hart, bool written) {
    for (std::size_t n = 0; n < words; ++n) {
        const std::uint64_t found = own_image_words[n];
        const std::uint64_t right =
            written && writer(n) != max_harts ? ~packed(n) - writer(n) : packed(n);
        if (found != right) return fail(hart, "word", n, found);
    }
}

void check_answer(std::size_t hart, std::uint64_t right) {
    const std::uint64_t found = own_image_answer();
    if (found != right) fail(hart, "answer", right, found);
}

/// Has every hart find other code from now on.
void write_code() {
    *reinterpret_cast<volatile std::uint32_t*>(&own_image_answer) = li_a0_2;
    fence_i();
    sbi_call(SbiExtension::rfence, SbiRfence::remote_fence_i, 0u, ~std::uint64_t{0});
}

void write_and_look(std::size_t hart) {
    check_answer(hart, 1);
    meet(1);
    for (std::size_t n = 0; n < words; ++n) {
        if (writer(n) == hart) own_image_words[n] = ~packed(n) - hart;
    }
    if (hart == 0) write_code();
    meet(2);
    check_answer(hart, 2);
    check_words(hart, true);
    meet(3);
}

}  // namespace

extern "C" [[noreturn]] void smp_hart(std::size_t hart) {
    write_and_look(hart);
    for (;;)
        sbi_call(SbiExtension::hsm, SbiHsm::hart_stop);
}

void run(std::string_view arguments) {
    std::size_t boot_hart = 0;
    for (; hart_count < max_harts; ++hart_count) {
        const SbiResult status = sbi_call(SbiExtension::hsm, SbiHsm::hart_get_status, hart_count);
        if (!status.ok()) break;
        if (status.value == 0) boot_hart = hart_count;
    }
    check_words(boot_hart, false);
    for (std::size_t hart = 0; hart < hart_count; ++hart) {  // refused where it runs already
        sbi_call(SbiExtension::hsm, SbiHsm::hart_start, hart,
                 reinterpret_cast<std::uint64_t>(smp_entry),
                 reinterpret_cast<std::uint64_t>(stacks[hart].data() + stacks[hart].size()));
    }
    write_and_look(boot_hart);
    println("own_image: {} harts, end", hart_count);
    if (arguments == "again" && !failed) {
        sbi_call(SbiExtension::srst, SbiSrst::system_reset, SbiResetType::cold_reboot,
                 SbiResetReason::none);
    }
    power_off(failed);
}

}  // namespace cairn::guest
