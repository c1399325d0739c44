// SPDX-License-Identifier: MIT
#include "kernel/dev/plic.hpp"

#include <algorithm>
#include <bit>
#include <initializer_list>
#include <vector>

#include "tests/unit/catch.hpp"
#include "tests/unit/device_doubles.hpp"

using namespace cairn;

namespace {

/// Two harts, as QEMU lays them out; only S-mode contexts have lines.
struct Bench {
    static constexpr std::uint32_t boot = plic::supervisor_context(0);
    static constexpr std::uint32_t other = plic::supervisor_context(1);

    Bench() {
        controller.connect(boot, boot_line);
        controller.connect(other, other_line);
    }
    std::uint32_t in(std::uint64_t offset) {
        return static_cast<std::uint32_t>(controller.read(offset, AccessWidth::word).value());
    }
    void out(std::uint64_t offset, std::uint32_t value) {
        controller.write(offset, AccessWidth::word, value).value();
    }
    void enable(std::uint32_t context, std::initializer_list<std::uint32_t> ids) {
        for (const std::uint32_t id : ids) {
            const std::uint64_t place = plic::enable(context, id);
            out(place, in(place) | 1u << id % 32);
        }
    }
    void raise(std::uint32_t id, std::uint32_t priority) {
        out(plic::priority(id), priority);
        controller.source(id).set(true);
    }

    Plic controller{{.sources = 95, .contexts = 4}};
    test::Wire boot_line;
    test::Wire other_line;
};

}  // namespace

TEST_CASE("an interrupt goes from wire to claim to completion", "[plic]") {
    Bench bench;
    bench.out(plic::priority(10), 1);
    bench.enable(Bench::boot, {10});
    CHECK_FALSE(bench.boot_line.up);
    CHECK(bench.in(plic::claim(Bench::boot)) == 0);

    bench.controller.source(10).set(true);
    CHECK(bench.boot_line.up);
    CHECK_FALSE(bench.other_line.up);
    CHECK(bench.in(plic::pending(10)) == 1u << 10);

    CHECK(bench.in(plic::claim(Bench::boot)) == 10);
    CHECK_FALSE(bench.boot_line.up);
    CHECK(bench.in(plic::pending(10)) == 0);
    CHECK(bench.in(plic::claim(Bench::boot)) == 0);

    bench.controller.source(10).set(false);
    bench.out(plic::claim(Bench::boot), 10);
    CHECK_FALSE(bench.boot_line.up);
}

TEST_CASE("a wire that is still up at completion pends again", "[plic]") {
    Bench bench;
    bench.enable(Bench::boot, {3});
    bench.raise(3, 1);
    CHECK(bench.in(plic::claim(Bench::boot)) == 3);
    CHECK_FALSE(bench.boot_line.up);
    bench.out(plic::claim(Bench::boot), 3);
    CHECK(bench.boot_line.up);
    CHECK(bench.in(plic::claim(Bench::boot)) == 3);
}

TEST_CASE("the gateway lets one request through until completion", "[plic]") {
    Bench bench;
    bench.enable(Bench::boot, {3});
    bench.raise(3, 1);
    CHECK(bench.in(plic::claim(Bench::boot)) == 3);
    bench.controller.source(3).set(false);
    bench.controller.source(3).set(true);
    CHECK(bench.in(plic::pending(3)) == 0);
    CHECK_FALSE(bench.boot_line.up);
    bench.out(plic::claim(Bench::boot), 3);
    CHECK(bench.boot_line.up);
}

TEST_CASE("a request is not retracted when its wire falls", "[plic]") {
    Bench bench;
    bench.enable(Bench::boot, {3});
    bench.raise(3, 1);
    bench.controller.source(3).set(false);
    CHECK(bench.boot_line.up);
    CHECK(bench.in(plic::claim(Bench::boot)) == 3);
    bench.out(plic::claim(Bench::boot), 3);
    CHECK_FALSE(bench.boot_line.up);
}

TEST_CASE("the highest priority is claimed first, the lowest id among equals", "[plic]") {
    Bench bench;
    bench.enable(Bench::boot, {1, 31, 32, 63, 64, 95});
    bench.raise(95, 7);
    bench.raise(64, 3);
    bench.raise(63, 3);
    bench.raise(32, 3);
    bench.raise(31, 7);
    bench.raise(1, 1);
    for (const std::uint32_t id : {31u, 95u, 32u, 63u, 64u}) {
        CHECK(bench.in(plic::claim(Bench::boot)) == id);
        CHECK(bench.boot_line.up);
    }
    CHECK(bench.in(plic::claim(Bench::boot)) == 1);
    CHECK_FALSE(bench.boot_line.up);
}

TEST_CASE("priority 0 never interrupts and is never claimed", "[plic]") {
    Bench bench;
    bench.enable(Bench::boot, {5});
    bench.raise(5, 0);
    CHECK(bench.in(plic::pending(5)) == 1u << 5);
    CHECK_FALSE(bench.boot_line.up);
    CHECK(bench.in(plic::claim(Bench::boot)) == 0);
    bench.out(plic::priority(5), 2);
    CHECK(bench.boot_line.up);
    bench.out(plic::priority(5), 0);
    CHECK_FALSE(bench.boot_line.up);
}

TEST_CASE("the threshold masks the line and not the claim", "[plic]") {
    Bench bench;
    bench.enable(Bench::boot, {5});
    bench.out(plic::threshold(Bench::boot), 3);
    bench.raise(5, 3);
    CHECK_FALSE(bench.boot_line.up);
    bench.out(plic::threshold(Bench::boot), 2);
    CHECK(bench.boot_line.up);
    bench.out(plic::threshold(Bench::boot), 7);
    CHECK_FALSE(bench.boot_line.up);
    CHECK(bench.in(plic::claim(Bench::boot)) == 5);
}

TEST_CASE("a claim behind the threshold lowers and raises nothing", "[plic]") {
    Bench bench;
    bench.enable(Bench::boot, {5, 6});
    bench.out(plic::threshold(Bench::boot), 2);
    bench.raise(5, 1);
    bench.raise(6, 3);
    CHECK(bench.boot_line.up);
    CHECK(bench.in(plic::claim(Bench::boot)) == 6);
    CHECK_FALSE(bench.boot_line.up);
    CHECK(bench.in(plic::claim(Bench::boot)) == 5);
}

TEST_CASE("all enabled contexts are notified and one claims", "[plic]") {
    Bench bench;
    bench.enable(Bench::boot, {9});
    bench.enable(Bench::other, {9});
    bench.raise(9, 1);
    CHECK(bench.boot_line.up);
    CHECK(bench.other_line.up);
    CHECK(bench.in(plic::claim(Bench::other)) == 9);
    CHECK_FALSE(bench.boot_line.up);
    CHECK_FALSE(bench.other_line.up);
    CHECK(bench.in(plic::claim(Bench::boot)) == 0);
    bench.out(plic::claim(Bench::boot), 9);  // any context that enables it may complete it
    CHECK(bench.boot_line.up);
}

TEST_CASE("enabling notifies what pends already, and disabling takes it back", "[plic]") {
    Bench bench;
    bench.raise(40, 1);
    CHECK_FALSE(bench.boot_line.up);
    bench.out(plic::enable(Bench::boot, 40), 1u << 40 % 32);
    CHECK(bench.boot_line.up);
    bench.out(plic::enable(Bench::boot, 40), 0);
    CHECK_FALSE(bench.boot_line.up);
    CHECK(bench.in(plic::claim(Bench::boot)) == 0);
}

TEST_CASE("completions that mean no enabled source are ignored", "[plic]") {
    Bench bench;
    bench.enable(Bench::boot, {7});
    bench.raise(7, 1);
    CHECK(bench.in(plic::claim(Bench::boot)) == 7);
    for (const std::uint32_t id : {0u, 8u, 96u, 127u, 128u, 1023u, 1024u, 0x8000'0007u, ~0u}) {
        bench.out(plic::claim(Bench::boot), id);
        CHECK_FALSE(bench.boot_line.up);
    }
    bench.out(plic::claim(Bench::other), 7);  // not enabled there
    CHECK_FALSE(bench.boot_line.up);
    bench.out(plic::enable(Bench::boot, 7), 0);
    bench.out(plic::claim(Bench::boot), 7);  // not enabled any more
    bench.enable(Bench::boot, {7});
    CHECK_FALSE(bench.boot_line.up);
    bench.out(plic::claim(Bench::boot), 7);
    CHECK(bench.boot_line.up);
}

TEST_CASE("a completion without a claim does nothing", "[plic]") {
    Bench bench;
    bench.enable(Bench::boot, {7});
    bench.raise(7, 1);
    bench.out(plic::claim(Bench::boot), 7);
    CHECK(bench.boot_line.up);
    CHECK(bench.in(plic::claim(Bench::boot)) == 7);
    CHECK_FALSE(bench.boot_line.up);
}

TEST_CASE("registers keep what is implemented of them", "[plic]") {
    Bench bench;
    for (const std::uint32_t id : {1u, 95u}) {
        bench.out(plic::priority(id), 0xffff'ffff);
        CHECK(bench.in(plic::priority(id)) == 7);
        bench.out(plic::priority(id), 0x0000'000a);
        CHECK(bench.in(plic::priority(id)) == 2);
    }
    bench.out(plic::threshold(0), 0xffff'fffd);
    CHECK(bench.in(plic::threshold(0)) == 5);
    for (std::uint32_t id = 0; id < plic::source_limit; id += 32) {
        bench.out(plic::enable(3, id), ~0u);
        const std::uint32_t expected = id == 0 ? ~1u : id < 96 ? ~0u : 0u;
        CHECK(bench.in(plic::enable(3, id)) == expected);
        bench.out(plic::pending(id), ~0u);
        CHECK(bench.in(plic::pending(id)) == 0);
    }
}

TEST_CASE("reserved registers read 0 and ignore writes", "[plic]") {
    Bench bench;
    const std::uint64_t reserved[] = {plic::priority(0),         plic::priority(96),
                                      plic::priority(1023),      plic::pending(96),
                                      plic::pending_base + 0x80, plic::enable(4, 1),
                                      plic::enable(15871, 1),    0x1f'fffc,
                                      plic::threshold(0) + 8,    plic::threshold(0) + 0xffc,
                                      plic::threshold(4),        plic::claim(4),
                                      plic::claim(15871),        plic::block_end - 4,
                                      plic::block_end,           ~std::uint64_t{3}};
    for (const std::uint64_t offset : reserved) {
        bench.out(offset, ~0u);
        CHECK(bench.in(offset) == 0);
    }
}

TEST_CASE("only aligned words are taken", "[plic]") {
    Bench bench;
    for (const AccessWidth width : {AccessWidth::byte, AccessWidth::half, AccessWidth::dword}) {
        CHECK(bench.controller.read(plic::priority(2), width).error() == BusError::width);
        CHECK(bench.controller.write(plic::priority(2), width, 1).error() == BusError::width);
    }
    CHECK(bench.controller.read(6, AccessWidth::word).error() == BusError::width);
    CHECK(bench.controller.write(6, AccessWidth::word, 1).error() == BusError::width);
}

TEST_CASE("contexts without a line work by polling, and connect late", "[plic]") {
    Bench bench;
    constexpr std::uint32_t machine = plic::machine_context(0);
    bench.enable(machine, {2});
    bench.raise(2, 1);
    test::Wire late;
    bench.controller.connect(machine, late);
    CHECK(late.up);
    CHECK(bench.in(plic::claim(machine)) == 2);
    CHECK_FALSE(late.up);
}

TEST_CASE("reset forgets everything but the wires", "[plic]") {
    Bench bench;
    bench.enable(Bench::boot, {2, 3});
    bench.raise(2, 1);
    bench.raise(3, 2);
    CHECK(bench.in(plic::claim(Bench::boot)) == 3);
    bench.controller.reset();
    CHECK_FALSE(bench.boot_line.up);
    CHECK(bench.in(plic::enable(Bench::boot, 2)) == 0);
    CHECK(bench.in(plic::priority(2)) == 0);
    CHECK(bench.in(plic::pending(2)) == 0b1100);
    bench.enable(Bench::boot, {3});
    bench.out(plic::priority(3), 1);
    CHECK(bench.in(plic::claim(Bench::boot)) == 3);
}

TEST_CASE("lines are driven only when they change", "[plic]") {
    Bench bench;
    const int before = bench.boot_line.calls;
    bench.enable(Bench::boot, {2, 3});
    bench.raise(2, 1);
    bench.raise(3, 2);
    CHECK(bench.in(plic::claim(Bench::boot)) == 3);
    CHECK(bench.in(plic::claim(Bench::boot)) == 2);
    CHECK(bench.boot_line.calls == before + 2);
}

TEST_CASE("a PLIC of every size keeps to its sources", "[plic]") {
    for (const std::uint32_t sources : {0u, 1u, 31u, 32u, 63u, 64u, 96u, Plic::max_sources}) {
        Plic controller({sources, Plic::max_contexts});
        std::uint32_t writable = 0;
        for (std::uint32_t id = 0; id < plic::source_limit; id += 32) {
            const std::uint64_t place = plic::enable(Plic::max_contexts - 1, id);
            REQUIRE(controller.write(place, AccessWidth::word, ~0u));
            const auto kept = controller.read(place, AccessWidth::word).value();
            writable += static_cast<std::uint32_t>(std::popcount(kept));
        }
        CHECK(writable == sources);
    }
}

TEST_CASE("a hart's line is that of its S-mode context", "[plic]") {
    Plic controller({.sources = 95, .contexts = 4});
    test::Wire lines[2];
    GuestInterrupts& interrupts = controller;
    for (std::uint32_t hart = 0; hart < 2; ++hart)
        interrupts.connect_hart(hart, lines[hart]);
    REQUIRE(controller.write(plic::priority(10), AccessWidth::word, 1));
    REQUIRE(
        controller.write(plic::enable(plic::machine_context(1), 10), AccessWidth::word, 1u << 10));
    interrupts.source(10).set(true);
    CHECK_FALSE(lines[1].up);
    REQUIRE(controller.write(plic::enable(plic::supervisor_context(1), 10), AccessWidth::word,
                             1u << 10));
    CHECK(lines[1].up);
    CHECK_FALSE(lines[0].up);
    CHECK(controller.claim(plic::supervisor_context(1)) == 10);
    CHECK_FALSE(lines[1].up);
}

TEST_CASE("enable bits are in a page that is shown, too, from then on", "[plic]") {
    Bench bench;
    bench.enable(Bench::boot, {10, 40});
    std::vector<std::uint32_t> words(RegisterPage::bytes / 4);
    bench.controller.show_page(plic::enable_base, RegisterPage(words.data()));
    const auto in_step = [&] {
        for (std::uint64_t at = 0; at < RegisterPage::bytes; at += 4)
            CHECK(words[at / 4] == bench.in(plic::enable_base + at));
    };
    in_step();
    CHECK(words[(plic::enable(Bench::boot, 40) - plic::enable_base) / 4] == 1u << 8);
    bench.enable(Bench::other, {1, 95});
    bench.out(plic::enable(Bench::boot, 0), ~0u);  // but for source 0
    bench.out(plic::enable(Bench::other, 96), ~0u);
    in_step();
    CHECK(words[(plic::enable(Bench::boot, 0) - plic::enable_base) / 4] == ~1u);
    bench.controller.reset();
    in_step();
    CHECK(std::ranges::all_of(words, [](std::uint32_t word) { return word == 0; }));
}

TEST_CASE("no page is shown but those of enable bits", "[plic]") {
    Plic controller{{.sources = 95, .contexts = Plic::max_contexts}};
    for (std::uint64_t page = 0; page < plic::claim(64); page += RegisterPage::bytes)
        CHECK(controller.shows_page(page) == (page == 0x2000 || page == 0x3000));
    CHECK_FALSE(Bench().controller.shows_page(0x3000));  // of contexts that it has not

    std::vector<std::uint32_t> words(RegisterPage::bytes / 4);
    controller.show_page(0x3000, RegisterPage(words.data()));
    controller.write(plic::enable(1, 0), AccessWidth::word, 2).value();
    CHECK(words[0x80 / 4] == 0);
    controller.write(plic::enable(33, 0), AccessWidth::word, 2).value();
    CHECK(words[0x80 / 4] == 2);
}
