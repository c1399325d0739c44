// SPDX-License-Identifier: MIT
#include "kernel/manager/commands/guest_backtrace.hpp"

#include <rapidcheck.h>

#include <vector>

#include "kernel/arch/isa/stage1_mode.hpp"
#include "tests/unit/catch.hpp"

namespace cairn {
namespace {

using Source = GuestFrame::Source;

constexpr std::uint64_t base = 0x8000'0000;
constexpr std::uint64_t pc = 0xffff'ffff'8000'1234;
constexpr std::uint64_t code = 0xffff'ffff'8000'0000;

/// 64 KiB of RAM, which are a stack.
struct Stack {
    std::vector<std::byte> ram = std::vector<std::byte>(0x1'0000);
    GuestMemory memory{GuestPhys{base}, ram};

    void put(std::uint64_t at, std::uint64_t value) {
        REQUIRE(memory.store(GuestPhys{at}, value).has_value());
    }
    void frame(std::uint64_t fp, std::uint64_t caller_fp, std::uint64_t return_address) {
        put(fp - 16, caller_fp);
        put(fp - 8, return_address);
    }
    [[nodiscard]] GuestBacktrace from(std::uint64_t fp, std::uint64_t ra = 0,
                                      std::uint64_t vsatp = 0) const {
        return unwind(memory, {.pc = pc, .ra = ra, .fp = fp, .vsatp = vsatp});
    }
};

std::vector<GuestFrame> frames(const GuestBacktrace& trace) {
    return {trace.frames.begin(), trace.frames.end()};
}

TEST_CASE_METHOD(Stack, "callers are found up to the first", "[guest_backtrace]") {
    frame(base + 0x100, base + 0x140, code + 1);
    frame(base + 0x140, base + 0x200, code + 2);
    frame(base + 0x200, 0, code + 3);
    const auto trace = from(base + 0x100, code + 1);
    CHECK(frames(trace) == std::vector<GuestFrame>{{Source::pc, pc},
                                                   {Source::stack, code + 1},
                                                   {Source::stack, code + 2},
                                                   {Source::stack, code + 3}});
    CHECK(trace.frame_pointer == 0);
    CHECK(trace.reason == "it is 0: nobody has called this");
}

TEST_CASE_METHOD(Stack, "a return address of 0 ends it, too", "[guest_backtrace]") {
    frame(base + 0x100, base + 0x140, code + 1);
    frame(base + 0x140, base + 0x200, 0);
    const auto trace = from(base + 0x100);
    CHECK(trace.frames.size() == 2);
    CHECK(trace.frame_pointer == base + 0x140);
    CHECK(trace.reason.starts_with("its return address is 0"));
}

TEST_CASE_METHOD(Stack, "ra is told where the frame does not say the same", "[guest_backtrace]") {
    frame(base + 0x100, 0, code + 1);
    CHECK(frames(from(base + 0x100, code + 9)) ==
          std::vector<GuestFrame>{
              {Source::pc, pc}, {Source::ra, code + 9}, {Source::stack, code + 1}});
    const auto none = from(0, code + 9);
    CHECK(frames(none) == std::vector<GuestFrame>{{Source::pc, pc}, {Source::ra, code + 9}});
}

TEST_CASE_METHOD(Stack, "a function that calls nobody may have a frame of one word",
                 "[guest_backtrace]") {
    frame(base + 0x100, 0x77, base + 0x140);
    frame(base + 0x140, 0, code + 2);
    CHECK(frames(from(base + 0x100, code + 1)) ==
          std::vector<GuestFrame>{
              {Source::pc, pc}, {Source::ra, code + 1}, {Source::stack, code + 2}});
}

TEST_CASE_METHOD(Stack, "what is no frame pointer ends it", "[guest_backtrace]") {
    const auto ends = [this](std::uint64_t fp) {
        frame(base + 0x100, fp, code + 1);
        const auto trace = from(base + 0x100);
        CHECK(trace.frames.size() == 2);
        CHECK(trace.frame_pointer == fp);
        return trace.reason;
    };
    CHECK(ends(base + 0x144).find("not aligned") != std::string_view::npos);
    CHECK(ends(base + 0x100).find("does not lie above") != std::string_view::npos);
    CHECK(ends(base + 0x80).find("does not lie above") != std::string_view::npos);
    CHECK(ends(base + 0x1'0008) == "what it is mapped to is no RAM");
    CHECK(ends(~std::uint64_t{7}) == "what it is mapped to is no RAM");
    CHECK(from(8).reason.find("not aligned") != std::string_view::npos);
}

TEST_CASE_METHOD(Stack, "there is a most of frames", "[guest_backtrace]") {
    for (std::uint64_t fp = base + 0x100; fp < base + 0x1000; fp += 16)
        frame(fp, fp + 16, code + fp - base);
    const auto trace = from(base + 0x100);
    CHECK(trace.frames.size() == GuestBacktrace::most);
    CHECK(trace.reason == "there are no more than 64 frames shown");
}

TEST_CASE_METHOD(Stack, "the stack is found by the guest's tables", "[guest_backtrace]") {
    // Root in page 15: a leaf of 1 GiB that maps 0x4000_0000 to RAM's gibibyte.
    put(base + 0xf008, Pte::leaf({0x8000'0000}, Pte::R::mask).bits);
    const std::uint64_t vsatp = stage1::satp(SatpMode::sv39, {base + 0xf000});
    frame(base + 0x100, 0x4000'0140, code + 1);
    frame(base + 0x140, 0xc000'0000, code + 2);
    const auto trace = from(0x4000'0100, 0, vsatp);
    CHECK(trace.frames.size() == 3);
    CHECK(trace.frame_pointer == 0xc000'0000);
    CHECK(trace.reason == "it is not mapped");
}

TEST_CASE("whatever the stack holds, it ends", "[guest_backtrace]") {
    CHECK(rc::check([] {
        Stack stack;
        for (std::uint64_t at = base; at < base + 0x400; at += 8)
            stack.put(at, base + *rc::gen::inRange<std::uint64_t>(0, 0x500));
        const auto trace = stack.from(base + *rc::gen::inRange<std::uint64_t>(0, 0x400) / 8 * 8);
        RC_ASSERT(trace.frames.size() <= GuestBacktrace::most);
        RC_ASSERT(!trace.reason.empty());
    }));
}

}  // namespace
}  // namespace cairn
