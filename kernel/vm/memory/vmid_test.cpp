// SPDX-License-Identifier: MIT
#include "kernel/vm/memory/vmid.hpp"

#include <array>
#include <map>
#include <random>
#include <set>

#include "tests/unit/catch.hpp"

using namespace cairn;

TEST_CASE("numbers start at 1 and are not used again while others are clean", "[vmid]") {
    VmidAllocator vmids(2);
    const auto one = vmids.take();
    CHECK(one == Vmid{.number = 1, .generation = 1});
    vmids.give(*one);
    CHECK(vmids.take() == Vmid{.number = 2, .generation = 1});
    CHECK(vmids.take() == Vmid{.number = 3, .generation = 1});
    CHECK(vmids.take() == Vmid{.number = 1, .generation = 2});
    CHECK(vmids.take() == std::nullopt);
}

TEST_CASE("a VM keeps its number across generations", "[vmid]") {
    VmidAllocator vmids(2);
    const auto kept = vmids.take();
    for (std::uint64_t generation = 1; generation < 10; ++generation) {
        for (const std::uint16_t number : {std::uint16_t{2}, std::uint16_t{3}}) {
            const auto vmid = vmids.take();
            REQUIRE(vmid == Vmid{.number = number, .generation = generation});
            vmids.give(*vmid);
        }
    }
    CHECK(kept == Vmid{.number = 1, .generation = 1});
}

TEST_CASE("without VMIDs each VM is a generation of its own", "[vmid]") {
    VmidAllocator vmids(0);
    VmidFlushes hart;
    for (std::uint64_t generation = 1; generation < 4; ++generation) {
        const auto vmid = vmids.take();
        REQUIRE(vmid == Vmid{.number = 0, .generation = generation});
        CHECK(vmids.take() == std::nullopt);
        CHECK(hart.must_flush_for(*vmid));
        CHECK_FALSE(hart.must_flush_for(*vmid));
        vmids.give(*vmid);
    }
}

TEST_CASE("a hart with 14 bits gives 1023 numbers at a time", "[vmid]") {
    VmidAllocator vmids(14);
    std::set<std::uint16_t> numbers;
    while (const auto vmid = vmids.take())
        numbers.insert(vmid->number);
    CHECK(numbers.size() == 1023);
    CHECK_FALSE(numbers.contains(0));
}

/// Harts whose translations live until they flush, and VMs that come and go.
TEST_CASE("no VM finds translations that another left behind", "[vmid]") {
    constexpr std::size_t hart_count = 3;
    std::mt19937 random(7);
    for (const unsigned bits : {0u, 1u, 2u, 3u}) {
        VmidAllocator vmids(bits);
        struct Hart {
            VmidFlushes flushes;
            std::map<std::uint16_t, unsigned> cached;  ///< VMID -> which VM's translations
        };
        std::array<Hart, hart_count> harts;
        std::map<unsigned, Vmid> vms;
        const auto any_vm = [&] {
            return std::next(vms.begin(), static_cast<std::ptrdiff_t>(random() % vms.size()));
        };
        unsigned born = 0, runs = 0, flushes = 0;
        for (unsigned step = 0; step < 20'000; ++step) {
            const unsigned choice = random() % 8;
            if (choice == 0) {
                if (const auto vmid = vmids.take()) vms[born++] = *vmid;
            } else if (choice == 1 && !vms.empty()) {
                const auto gone = any_vm();
                vmids.give(gone->second);
                vms.erase(gone);
            } else if (!vms.empty()) {
                const auto& [vm, vmid] = *any_vm();
                Hart& hart = harts[random() % hart_count];
                ++runs;
                if (hart.flushes.must_flush_for(vmid)) {
                    ++flushes;
                    hart.cached.clear();
                }
                const auto [found, fresh] = hart.cached.emplace(vmid.number, vm);
                REQUIRE(found->second == vm);
            }
        }
        CHECK(runs > 1000);
        if (bits == 3) CHECK(flushes * 4 < runs);
    }
}

TEST_CASE("a number goes back with its lease, once", "[vmid]") {
    VmidAllocator vmids(1);
    {
        VmidLease lease(vmids, *vmids.take());
        const VmidLease moved(std::move(lease));
        CHECK(moved.vmid().number == 1);
        CHECK(vmids.take() == std::nullopt);
    }
    CHECK(vmids.take() == Vmid{.number = 1, .generation = 2});
}

TEST_CASE("an allocator that starts again has other generations", "[vmid]") {
    VmidAllocator vmids;
    VmidFlushes hart;
    CHECK(vmids.take() == std::nullopt);
    for (const std::uint64_t generation : {1u, 2u}) {
        vmids.init(14);
        const auto vmid = vmids.take();
        CHECK(vmid == Vmid{.number = 1, .generation = generation});
        CHECK(hart.must_flush_for(*vmid));
    }
}
