// SPDX-License-Identifier: MIT
// A UEFI firmware's memory map: any descriptors of any length, from a firmware that may say more
// than there is room for, change its map meanwhile, or fail. What comes of it is a status, or the
// ranges that a model of the descriptors finds free, in order and apart; and every buffer is given
// back, but for the one of a map that was left with.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>
#include <vector>

#include <cairn/panic.hpp>
#include "kernel/uefi/firmware_memory.hpp"
#include "tests/fuzz/input.hpp"

using namespace cairn;
using namespace cairn::uefi;

namespace {

constexpr std::size_t most_bytes = 1 << 20;  // that the firmware gives

struct State {
    std::vector<std::byte> map;
    std::size_t descriptor_size = sizeof(MemoryDescriptor);
    std::size_t claimed_beyond = 0;  ///< more bytes than it has written
    unsigned stale = 0;
    Status failure = Status::success;  ///< of a map that fits
    std::vector<void*> pools;
    bool left = false;
};
State state;

Status get_memory_map(std::size_t* size, MemoryDescriptor* map, std::size_t* key,
                      std::size_t* descriptor_size, std::uint32_t* version) {
    const bool fits = map != nullptr && *size >= state.map.size();
    *size = state.map.size() + (fits ? state.claimed_beyond : 0);
    *descriptor_size = state.descriptor_size;
    *version = 1;
    *key = 7;
    if (!fits) return Status::buffer_too_small;
    if (!state.map.empty()) std::memcpy(map, state.map.data(), state.map.size());
    return state.failure;
}
Status allocate_pool(MemoryType, std::size_t size, void** buffer) {
    if (size > most_bytes) return Status::out_of_resources;
    *buffer = std::malloc(size);
    state.pools.push_back(*buffer);
    return Status::success;
}
Status free_pool(void* buffer) {
    require(std::erase(state.pools, buffer) == 1 && !state.left, "what is freed was given");
    std::free(buffer);
    return Status::success;
}
Status exit_boot_services(Handle, std::size_t key) {
    require(key == 7, "the key is the map's");
    if (state.stale > 0) {
        --state.stale;
        return Status::invalid_parameter;
    }
    state.left = true;
    return Status::success;
}

MemoryDescriptor choose(FuzzInput& input) {
    MemoryDescriptor each{};
    each.type = static_cast<MemoryType>(input.take(1) % 18);
    each.physical_start = 0x8000'0000 + input.take(1) * 0x1000;
    each.number_of_pages = input.take(1) % 16;
    each.attribute = memory_write_back;
    switch (input.take(1) % 16) {
        case 0: each.physical_start = input.number(); break;
        case 1: each.number_of_pages = input.number(); break;
        case 2: each.attribute = input.number(); break;
        case 3: each.type = static_cast<MemoryType>(input.take(4)); break;
        default: break;
    }
    return each;
}

void make_map(FuzzInput& input) {
    constexpr std::array<std::size_t, 6> sizes{40, 40, 48, 64, 24, 0};
    const std::uint64_t kind = input.take(1);
    state.descriptor_size = sizes[kind % sizes.size()];
    if (kind > 250) state.descriptor_size = input.number();
    state.stale = static_cast<unsigned>(kind / 16 % 12);
    state.claimed_beyond = kind % 32 == 31 ? static_cast<std::size_t>(input.number()) : 0;
    if (kind == 99) state.failure = Status::device_error;
    const std::size_t step = std::max<std::size_t>(
        sizeof(MemoryDescriptor), std::min<std::size_t>(state.descriptor_size, 256));
    while (!input.empty() && state.map.size() < most_bytes / 4) {
        const MemoryDescriptor each = choose(input);
        const std::size_t at = state.map.size();
        state.map.resize(at + step);
        std::memcpy(&state.map[at], &each, sizeof(each));
    }
}

/// The free ranges of the map: (base, end), in order and joined; false where one cannot be.
bool model(std::vector<std::pair<std::uint64_t, std::uint64_t>>& joined) {
    std::vector<std::pair<std::uint64_t, std::uint64_t>> all;
    for (std::size_t at = 0; at + state.descriptor_size <= state.map.size();
         at += state.descriptor_size) {
        MemoryDescriptor each;
        std::memcpy(&each, &state.map[at], sizeof(each));
        const auto type = static_cast<unsigned>(each.type);
        const bool free = (type >= 1 && type <= 4) || type == 7;
        if (!free || each.number_of_pages == 0) continue;
        if ((each.attribute & (std::uint64_t{1} << 63 | 0x4'0000)) != 0) continue;
        std::uint64_t bytes = 0, end = 0;
        if (__builtin_mul_overflow(each.number_of_pages, 4096ull, &bytes) ||
            __builtin_add_overflow(each.physical_start, bytes, &end)) {
            return false;
        }
        all.emplace_back(each.physical_start, end);
    }
    std::ranges::sort(all);
    for (const auto& [base, end] : all) {
        if (!joined.empty() && base <= joined.back().second) {
            joined.back().second = std::max(joined.back().second, end);
        } else {
            joined.emplace_back(base, end);
        }
    }
    return true;
}

void check(const Outcome<DoorMemory>& memory) {
    if (!memory) {
        require(!memory.error().text().empty(), "a failure has a sentence");
        require(state.pools.empty() && !state.left, "what failed has given everything back");
        return;
    }
    require(state.left && state.pools.size() == 1, "the last map's buffer stays");
    if (state.claimed_beyond != 0) return;  // what it says is there may be anything
    std::vector<std::pair<std::uint64_t, std::uint64_t>> expected;
    require(model(expected) && expected.size() == memory->size(), "as many ranges as are free");
    for (std::size_t i = 0; i < expected.size(); ++i) {
        const HostRange range = (*memory)[i];
        require(range.base.value == expected[i].first && range.end().value == expected[i].second,
                "exactly what is free");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    state = {};
    FuzzInput input({data, size});
    make_map(input);
    BootServices services{};
    services.get_memory_map = get_memory_map;
    services.allocate_pool = allocate_pool;
    services.free_pool = free_pool;
    services.exit_boot_services = exit_boot_services;
    SystemTable table{};
    table.boot_services = &services;
    check(leave_boot_services(Firmware(table), nullptr));
    for (void* const pool : state.pools)
        std::free(pool);
    return 0;
}
