// SPDX-License-Identifier: MIT
#include "cairn/ring_buffer.hpp"

#include <rapidcheck.h>

#include <array>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cairn/container/container_test_allocator.hpp"
#include "tests/unit/catch.hpp"
#include "tests/unit/last_words.hpp"

namespace cairn {
namespace {

using testing::Tracked;

static_assert(std::is_trivially_copyable_v<ring_buffer<int, 4>>);
static_assert(!std::is_copy_constructible_v<ring_buffer<std::string, 4>>);

consteval bool works_at_compile_time() {
    ring_buffer<char, 4> ring;
    const std::array abc{'a', 'b', 'c'};
    bool good = ring.try_append(std::span<const char>(abc)) == 3 && ring.try_pop_front() == 'a';
    good = good && ring.try_push_back('d') && ring.try_push_back('e') && ring.full();
    good = good && !ring.try_push_back('f') && ring[1] == 'c' && ring.front() == 'b';
    std::array<char, 8> out{};
    good = good && ring.try_pop_front(std::span<char>(out)) == 4;
    return good && std::string_view(out.data(), 4) == "bcde" && ring.empty();
}
static_assert(works_at_compile_time());

TEST_CASE("an empty ring gives nothing", "[ring_buffer]") {
    ring_buffer<int, 2> ring;
    CHECK(ring.empty());
    CHECK_FALSE(ring.full());
    CHECK(ring.room() == 2);
    CHECK_FALSE(ring.try_pop_front());
    CHECK(last_words([&] { ring.pop_front(); }).find("ring_buffer: pop_front() of no elements") !=
          std::string::npos);
    CHECK(last_words([&] { ring[0] = 1; }).find("ring_buffer: index 0 of 0 elements") !=
          std::string::npos);
}

TEST_CASE("a full ring refuses and keeps what it has", "[ring_buffer]") {
    ring_buffer<int, 2> ring;
    CHECK(ring.try_push_back(1));
    CHECK(ring.try_push_back(2));
    CHECK_FALSE(ring.try_push_back(3));
    const std::array more{4, 5};
    CHECK(ring.try_append(std::span<const int>(more)) == 0);
    CHECK(ring.front() == 1);
    CHECK(ring.try_pop_front() == 1);
    CHECK(ring.try_pop_front() == 2);
    CHECK_FALSE(ring.try_pop_front());
}

TEST_CASE("clear forgets everything", "[ring_buffer]") {
    ring_buffer<int, 4> ring;
    CHECK(ring.try_push_back(1));
    ring.clear();
    CHECK(ring.empty());
    CHECK(ring.try_push_back(2));
    CHECK(ring.front() == 2);
}

TEST_CASE("a ring owns what it holds", "[ring_buffer]") {
    ring_buffer<std::unique_ptr<int>, 2> ring;
    CHECK(ring.try_push_back(std::make_unique<int>(1)));
    CHECK(ring.try_emplace_back(new int(2)));
    auto third = std::make_unique<int>(3);
    CHECK(!ring.try_push_back(std::move(third)));
    CHECK(third != nullptr);
    CHECK(**ring.try_pop_front() == 1);
    CHECK(ring.try_push_back(std::move(third)));
}

int number(int value) {
    return value;
}
int number(const Tracked& value) {
    return value.value();
}

/// A ring of 8 beside a deque.
template <class T>
class Pair {
  public:
    void step() {
        const int value = *rc::gen::inRange(0, 1000);
        const auto count = *rc::gen::inRange<std::size_t>(0, 10);
        switch (*rc::gen::inRange(0, 4)) {
            case 0: append(value, count); break;
            case 1: take(count); break;
            case 2:
                RC_ASSERT((ring_.try_push_back(value) != nullptr) == (model_.size() < 8));
                if (model_.size() < 8) model_.push_back(value);
                break;
            default:
                if (const auto oldest = ring_.try_pop_front()) {
                    RC_ASSERT(number(*oldest) == model_.front());
                    model_.pop_front();
                } else {
                    RC_ASSERT(model_.empty());
                }
        }
        check();
    }

  private:
    void append(int value, std::size_t count) {
        std::vector<T> elements;
        for (std::size_t i = 0; i < count; ++i)
            elements.emplace_back(value + static_cast<int>(i));
        const std::size_t taken = ring_.try_append(elements);
        RC_ASSERT(taken == std::min(count, 8 - model_.size()));
        for (std::size_t i = 0; i < taken; ++i)
            model_.push_back(value + static_cast<int>(i));
    }
    void take(std::size_t count) {
        std::vector<T> out(count);
        const std::size_t taken = ring_.try_pop_front(out);
        RC_ASSERT(taken == std::min(count, model_.size()));
        for (std::size_t i = 0; i < taken; ++i, model_.pop_front()) {
            RC_ASSERT(number(out[i]) == model_.front());
        }
    }
    void check() const {
        RC_ASSERT(ring_.size() == model_.size());
        RC_ASSERT(ring_.room() == 8 - model_.size());
        for (std::size_t i = 0; i < model_.size(); ++i) {
            RC_ASSERT(number(ring_[i]) == model_[i]);
        }
    }

    ring_buffer<T, 8> ring_;
    std::deque<int> model_;
};

template <class T>
void acts_like_a_bounded_deque() {
    const bool held = rc::check([] {
        {
            Pair<T> pair;
            const int steps = *rc::gen::inRange(1, 60);
            for (int i = 0; i < steps; ++i)
                pair.step();
        }
        RC_ASSERT(Tracked::live == 0);
        RC_ASSERT(Tracked::broken == 0);
    });
    CHECK(held);
}

TEST_CASE("any sequence of operations acts like a bounded deque", "[ring_buffer]") {
    acts_like_a_bounded_deque<int>();
    acts_like_a_bounded_deque<Tracked>();
}

}  // namespace
}  // namespace cairn
