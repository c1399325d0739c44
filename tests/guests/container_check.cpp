// SPDX-License-Identifier: MIT
// The containers on the target, where they have libc++'s headers, hardened, and this machine's
// memory functions below them. What they promise in detail is tested on the host.
#include <cairn/flat_map.hpp>
#include <cairn/global_heap.hpp>
#include <cairn/hash_map.hpp>
#include <cairn/intrusive_list.hpp>
#include <cairn/print.hpp>
#include <cairn/ring_buffer.hpp>
#include <cairn/static_vector.hpp>
#include <cairn/string_writer.hpp>
#include <cairn/unique_ptr.hpp>
#include "tests/guests/runtime_check.hpp"

namespace cairn::guest {
namespace {

constexpr std::uint64_t entries = 500;

void check_maps() {
    hash_map<std::uint64_t, std::uint64_t> squares;
    flat_map<std::uint64_t, std::uint64_t> sorted;
    for (std::uint64_t i = 0; i < entries; ++i) {
        const std::uint64_t key = i * 7919 % entries;  // 7919 is prime: each once
        check(squares.try_add(key, key * key).has_value(), "a hash_map takes what is new");
        check(sorted.try_add(key, i).has_value(), "a flat_map takes what is new");
    }
    std::uint64_t found = 0;
    for (std::uint64_t key = 0; key < entries; ++key) {
        const auto at = squares.find(key);
        if (at != squares.end() && at->second == key * key) ++found;
    }
    for (std::uint64_t key = 0; key < entries; key += 2)
        squares.erase(key);
    std::uint64_t last = 0;
    bool in_order = true;
    for (const auto& [key, value] : sorted) {
        in_order = in_order && key >= last;
        last = key;
    }
    println("hash_map: {} found, {} left; flat_map: {} in order: {}", found, squares.size(),
            sorted.size(), in_order);
}

void check_strings() {
    const auto text = try_format("{:#x} of {}", 0x2aU, "a machine word and more than inline");
    check(text.has_value(), "try_format has memory");
    println("string: {}, {} characters", *text, text->size());
}

struct Task : list_hook {
    explicit Task(int number) : number(number) {}
    int number;
};

void check_what_allocates_nothing() {
    static_vector<int, 4> few;
    int taken = 0;
    while (few.try_push_back(taken) != nullptr)
        ++taken;
    ring_buffer<int, 4> ring;
    for (int i = 0; i < 10; ++i) {
        if (ring.try_push_back(i) == nullptr) ring.pop_front();
    }
    Task first(1);
    Task second(2);
    intrusive_list<Task> tasks;
    tasks.push_back(first);
    tasks.push_front(second);
    println("static_vector: {}; ring_buffer: {} from {}; intrusive_list: {} before {}", few,
            ring.size(), ring.front(), tasks.front().number, tasks.back().number);
    tasks.clear();
}

}  // namespace

void check_containers() {
    const std::size_t before = global_heap().core().statistics().live;
    check_maps();
    check_strings();
    check_what_allocates_nothing();
    check(try_make_unique<Task>(3) != nullptr, "unique_ptr has memory");
    check(global_heap().core().statistics().live == before, "the containers give all back");
}

}  // namespace cairn::guest
