// SPDX-License-Identifier: MIT
#include "lib/container/ring_buffer.hpp"

#include <rapidcheck.h>

#include <deque>
#include <string_view>
#include <vector>

#include "tests/unit/catch.hpp"

using cairn::RingBuffer;

static consteval bool works_at_compile_time() {
    RingBuffer<char, 4> ring;
    const std::array abc{'a', 'b', 'c'};
    bool good = ring.push(std::span<const char>(abc)) == 3 && ring.pop() == 'a';
    good = good && ring.push('d') && ring.push('e') && ring.full() && !ring.push('f');
    std::array<char, 8> out{};
    good = good && ring.pop(std::span<char>(out)) == 4;
    return good && std::string_view(out.data(), 4) == "bcde" && ring.empty();
}
static_assert(works_at_compile_time());

TEST_CASE("an empty ring gives nothing", "[ring_buffer]") {
    RingBuffer<int, 2> ring;
    CHECK(ring.empty());
    CHECK_FALSE(ring.full());
    CHECK(ring.free() == 2);
    CHECK_FALSE(ring.peek());
    CHECK_FALSE(ring.pop());
}

TEST_CASE("a full ring refuses and keeps what it has", "[ring_buffer]") {
    RingBuffer<int, 2> ring;
    CHECK(ring.push(1));
    CHECK(ring.push(2));
    CHECK_FALSE(ring.push(3));
    const std::array more{4, 5};
    CHECK(ring.push(std::span<const int>(more)) == 0);
    CHECK(ring.peek() == 1);
    CHECK(ring.pop() == 1);
    CHECK(ring.pop() == 2);
    CHECK_FALSE(ring.pop());
}

TEST_CASE("clear forgets everything", "[ring_buffer]") {
    RingBuffer<int, 4> ring;
    CHECK(ring.push(1));
    ring.clear();
    CHECK(ring.empty());
    CHECK(ring.push(2));
    CHECK(ring.peek() == 2);
}

TEST_CASE("any sequence of operations acts like a bounded deque", "[ring_buffer]") {
    const bool holds = rc::check([] {
        RingBuffer<int, 8> ring;
        std::deque<int> model;
        for (const int step : *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 40))) {
            const auto count = static_cast<std::size_t>(step % 10);
            if (step < 10) {
                std::vector<int> elements(count, step + static_cast<int>(model.size()));
                const std::size_t room = 8 - model.size();
                const std::size_t taken = ring.push(std::span<const int>(elements));
                RC_ASSERT(taken == std::min(count, room));
                model.insert(model.end(), elements.begin(),
                             elements.begin() + static_cast<std::ptrdiff_t>(taken));
            } else if (step < 20) {
                std::vector<int> out(count);
                const std::size_t taken = ring.pop(std::span<int>(out));
                RC_ASSERT(taken == std::min(count, model.size()));
                const auto end = model.begin() + static_cast<std::ptrdiff_t>(taken);
                RC_ASSERT(std::equal(model.begin(), end, out.begin()));
                model.erase(model.begin(), end);
            } else if (step < 30) {
                const bool pushed = ring.push(step);
                RC_ASSERT(pushed == (model.size() < 8));
                if (pushed) model.push_back(step);
            } else {
                const auto popped = ring.pop();
                RC_ASSERT(popped.has_value() == !model.empty());
                if (!popped) continue;
                RC_ASSERT(*popped == model.front());
                model.pop_front();
            }
            RC_ASSERT(ring.size() == model.size());
            RC_ASSERT(ring.free() == 8 - model.size());
            RC_ASSERT(ring.peek() == (model.empty() ? std::nullopt : std::optional(model.front())));
        }
    });
    REQUIRE(holds);
}
