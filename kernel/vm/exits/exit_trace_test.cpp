// SPDX-License-Identifier: MIT
#include "kernel/vm/exits/exit_trace.hpp"

#include <utility>

#include "tests/unit/catch.hpp"
#include "tests/unit/vm_heap.hpp"

using namespace cairn;

namespace {

constexpr std::size_t quota = 4096;

void turn_on(ExitTrace& trace, VmMemory::VmHeap& heap, std::uint32_t entries) {
    auto room = ExitTrace::take_room(heap, entries);
    REQUIRE(room);
    (void)trace.turn_on(std::move(*room));
}

}  // namespace

TEST_CASE("a trace that is off keeps nothing and takes no memory", "[exit_trace]") {
    VmMemory::VmHeap heap(test::kernel_heap(), "vm", quota);
    ExitTrace trace;
    trace.add({.time = 1});
    trace.entered(2);
    CHECK(trace.extent().capacity == 0);
    CHECK(trace.extent().end == 0);
    CHECK_FALSE(trace.at(0));
    CHECK(heap.account().live() == 0);
}

TEST_CASE("a trace's memory is its VM's, from on to off", "[exit_trace]") {
    VmMemory::VmHeap heap(test::kernel_heap(), "vm", quota);
    {
        ExitTrace trace;
        turn_on(trace, heap, 8);
        CHECK(heap.account().live() >= 8 * sizeof(ExitRecord));
        CHECK(trace.extent().capacity == 8);
        for (std::uint64_t time = 0; time < 10; ++time)
            trace.add({.time = time});
        CHECK(trace.extent().first == 2);
        CHECK(trace.extent().end == 10);
        CHECK(trace.at(9)->time == 9);
        CHECK_FALSE(trace.at(1));
        turn_on(trace, heap, 4);  // begins anew
        CHECK(trace.extent().end == 0);
        CHECK_FALSE(ExitTrace::take_room(heap, 1000));
        CHECK(heap.account().refusals() == 1);
        CHECK(trace.turn_off().has_value());
        CHECK(heap.account().live() == 0);
        CHECK_FALSE(trace.turn_off().has_value());
        turn_on(trace, heap, 4);
    }
    CHECK(heap.account().live() == 0);
}

TEST_CASE("an exit that has left its guest takes until the guest is entered", "[exit_trace]") {
    VmMemory::VmHeap heap(test::kernel_heap(), "vm", quota);
    ExitTrace trace;
    turn_on(trace, heap, 2);
    trace.entered(5);  // nothing was before
    trace.add({.time = 10, .ticks = 1});
    trace.entered(99);
    CHECK(trace.at(0)->ticks == 1);
    trace.add({.time = 100, .ticks = 2, .left = true});
    CHECK(trace.at(1)->ticks == 2);
    trace.entered(150);
    CHECK(trace.at(1)->ticks == 50);
    trace.entered(200);
    CHECK(trace.at(1)->ticks == 50);
    trace.add({.time = 300, .left = true});
    trace.entered(300 + (1ull << 40));
    CHECK(trace.at(2)->ticks == ~0u);
}
