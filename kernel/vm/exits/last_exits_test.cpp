// SPDX-License-Identifier: MIT
#include "kernel/vm/exits/last_exits.hpp"

#include <utility>

#include "tests/unit/guest_bench.hpp"

using namespace cairn;
using namespace cairn::test;

namespace {

void turn_on(Vcpu& vcpu, std::uint32_t entries) {
    static VmMemory::VmHeap heap(kernel_heap(), "traces", std::size_t{64} << 10);
    (void)vcpu.exit_trace().turn_on(ExitTrace::take_room(heap, entries).value());
}

}  // namespace

TEST_CASE("the last exits of a VM are those of all its vCPUs, the newest first", "[last_exits]") {
    GuestBench bench({}, 3);
    CHECK(last_exits(bench.vm).empty());
    turn_on(bench.vm.vcpu(0), 64);
    turn_on(bench.vm.vcpu(2), 4);
    CHECK(last_exits(bench.vm).empty());
    for (std::uint64_t time = 0; time < 40; ++time)
        bench.vm.vcpu(time % 4 == 3 ? 2 : 0).exit_trace().add({.time = 100 + time});
    const LastExits exits = last_exits(bench.vm);
    REQUIRE(exits.size() == 16);
    for (std::uint64_t i = 0; i < 16; ++i) {
        CHECK(exits[i].record.time == 139 - i);
        CHECK(exits[i].cpu == (exits[i].record.time % 4 == 3 ? 2 : 0));
    }
    CHECK(exits[0].number == 9);
    CHECK(exits[1].number == 29);
}

TEST_CASE("where fewer are kept, those are the last", "[last_exits]") {
    GuestBench bench;
    turn_on(bench.vcpu(), 3);
    for (std::uint64_t time = 0; time < 5; ++time)
        bench.vcpu().exit_trace().add({.time = time});
    const LastExits exits = last_exits(bench.vm);
    REQUIRE(exits.size() == 3);
    CHECK(exits[2].number == 2);
    CHECK(exits[2].record.time == 2);
}
