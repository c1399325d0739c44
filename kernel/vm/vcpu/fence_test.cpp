// SPDX-License-Identifier: MIT
#include "kernel/vm/vcpu/fence.hpp"

#include "kernel/arch/guest/hart_operations.hpp"
#include "tests/unit/catch.hpp"

using namespace cairn;

namespace {

constexpr std::uint64_t any = ~std::uint64_t{0};
using Narrow = std::vector<std::pair<std::uint64_t, std::uint64_t>>;

Fence pages(std::uint64_t start, std::uint32_t count, std::uint64_t address_space = any) {
    return {.kind = Fence::Kind::translations,
            .pages = count,
            .start = start,
            .address_space = address_space};
}

struct Effect {
    unsigned everything, instructions;
    Narrow narrow;
    bool operator==(const Effect&) const = default;
};

Effect effect_of(const Fence& fence) {
    fake_hart = {};
    carry_out(fence);
    CHECK(fake_hart.gvma_fences == 0);
    return {fake_hart.vvma_fences, fake_hart.instruction_fences, fake_hart.narrow_fences};
}

}  // namespace

TEST_CASE("a range becomes the pages that it touches", "[fence]") {
    CHECK(fence_of_translations(0x1000, 0x2000) == pages(0x1000, 2));
    CHECK(fence_of_translations(0x1fff, 1) == pages(0x1000, 1));
    CHECK(fence_of_translations(0x1fff, 2) == pages(0x1000, 2));
    CHECK(fence_of_translations(0, 0x1'0000, 7) == pages(0, 16, 7));
    CHECK(fence_of_translations(any - 0xfff, 0x1000) == pages(any - 0xfff, 1));
}

TEST_CASE("everything, nothing sensible and too much are fences of all addresses", "[fence]") {
    CHECK(fence_of_translations(0, 0) == pages(0, 0));
    CHECK(fence_of_translations(0x5000, 0) == pages(0, 0));
    CHECK(fence_of_translations(0x5000, any) == pages(0, 0));
    CHECK(fence_of_translations(any, 2) == pages(0, 0));
    CHECK(fence_of_translations(0x1000, 0x1'0001) == pages(0, 0));
    CHECK(fence_of_translations(0x1001, 0x1'0000) == pages(0, 0));  // 17 pages
    CHECK(fence_of_translations(0, any, 7) == pages(0, 0, 7));
}

TEST_CASE("an address space that no hart can have is every one", "[fence]") {
    CHECK(fence_of_translations(0x1000, 1, 0xffff) == pages(0x1000, 1, 0xffff));
    CHECK(fence_of_translations(0x1000, 1, 0x1'0000) == pages(0x1000, 1));
}

TEST_CASE("a fence does what it says and no more", "[fence]") {
    CHECK(effect_of({}) == Effect{0, 1, {}});
    CHECK(effect_of(pages(0, 0)) == Effect{1, 0, {}});
    CHECK(effect_of(pages(0, 0, 7)) == Effect{0, 0, {{any, 7}}});
    CHECK(effect_of(pages(0x4000, 2)) == Effect{0, 0, {{0x4000, any}, {0x5000, any}}});
    CHECK(effect_of(pages(0x4000, 1, 7)) == Effect{0, 0, {{0x4000, 7}}});
}

TEST_CASE("who posts a fence knows when all targets have fenced", "[fence]") {
    FenceMail sender, first, second;
    CHECK(sender.all_have_fenced());
    sender.post(pages(0x1000, 1), 0b110);
    first.ask(0);
    second.ask(0);
    CHECK(first.take() == 1);
    CHECK(first.take() == 0);
    sender.report(1);
    CHECK_FALSE(sender.all_have_fenced());
    CHECK(second.take() == 1);
    CHECK(sender.fence() == pages(0x1000, 1));
    sender.report(2);
    CHECK(sender.all_have_fenced());
}
