// SPDX-License-Identifier: MIT
// `vector` against std::vector: the same random operations on both, with an allocator that counts
// and elements that notice when they are moved, copied or destroyed as what they are not.
#include <rapidcheck.h>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "cairn/container/container_test_allocator.hpp"
#include "cairn/vector.hpp"
#include "tests/unit/catch.hpp"

namespace cairn {
namespace {

using testing::Ledger;
using testing::TestAllocator;
using testing::Tracked;

/// Tracked, but moved in bulk: it has no address of its own to be wrong about.
class Bulky {
  public:
    Bulky() : Bulky(0) {}
    Bulky(int value) : value_(value) { ++live; }  // NOLINT: implicit, as an int is
    Bulky(const Bulky& other) : Bulky(other.value_) {}
    Bulky(Bulky&& other) noexcept : Bulky(std::exchange(other.value_, -1)) {}
    Bulky& operator=(const Bulky&) = default;
    Bulky& operator=(Bulky&& other) noexcept {
        const int value = std::exchange(other.value_, -1);
        value_ = value;
        return *this;
    }
    ~Bulky() { --live; }

    [[nodiscard]] int value() const { return value_; }
    friend bool operator==(const Bulky&, const Bulky&) = default;
    static inline long live = 0;

  private:
    int value_;
    char padding_[20]{};  // more than two registers
};

}  // namespace

template <>
inline constexpr bool is_trivially_relocatable_v<Bulky> = true;

namespace {

int number(int value) {
    return value;
}
template <class T>
int number(const T& value) {
    return value.value();
}

template <class T>
class Pair {
  public:
    explicit Pair(Ledger& ledger) : subject_(TestAllocator<T>(ledger)) {}

    void step() {
        const int value = *rc::gen::inRange(0, 1000);
        const std::size_t count = *rc::gen::inRange<std::size_t>(0, 12);
        switch (*rc::gen::inRange(0, 6)) {
            case 0: append(value); break;
            case 1: insert(value, count); break;
            case 2: insert_range(count); break;
            case 3: remove(value); break;
            case 4: resize(value, count); break;
            case 5: assign(value, count); break;
        }
        check();
    }

  private:
    std::size_t place(bool with_end) const {
        const std::size_t places = model_.size() + (with_end ? 1 : 0);
        return *rc::gen::inRange<std::size_t>(0, places);
    }
    auto at(std::size_t index) { return subject_.begin() + static_cast<std::ptrdiff_t>(index); }
    auto model_at(std::size_t index) { return model_.begin() + static_cast<std::ptrdiff_t>(index); }

    void append(int value) {
        switch (*rc::gen::inRange(0, 5)) {
            case 0: subject_.push_back(value); break;
            case 1: subject_.emplace_back(value); break;
            case 2: RC_ASSERT(number(**subject_.try_push_back(T(value))) == value); break;
            case 3: {
                const T copy(value);
                RC_ASSERT(number(**subject_.try_push_back(copy)) == value);
                break;
            }
            default:
                if (model_.empty()) return;
                const std::size_t index = place(false);
                subject_.push_back(subject_[index]);
                value = model_[index];
        }
        model_.push_back(value);
    }

    void insert(int value, std::size_t count) {
        const std::size_t index = place(true);
        if (count % 2 == 0 || model_.empty()) {
            subject_.insert(at(index), value);
            model_.insert(model_at(index), value);
            return;
        }
        const std::size_t source = place(false);
        const int same = model_[source];
        switch (*rc::gen::inRange(0, 3)) {
            case 0:
                subject_.insert(at(index), subject_[source]);
                model_.insert(model_at(index), same);
                break;
            case 1:
                RC_ASSERT(subject_.try_insert(at(index), count, subject_[source]).has_value());
                model_.insert(model_at(index), count, same);
                break;
            default:
                subject_.insert(at(index), count, subject_[source]);
                model_.insert(model_at(index), count, same);
        }
    }

    void insert_range(std::size_t count) {
        const auto numbers = *rc::gen::container<std::vector<int>>(count, rc::gen::inRange(0, 99));
        const std::size_t index = place(true);
        std::stringstream text;
        for (const int value : numbers)
            text << value << ' ';
        using Input = std::istream_iterator<int>;
        switch (*rc::gen::inRange(0, 4)) {
            case 0: subject_.insert_range(at(index), numbers); break;
            case 1: RC_ASSERT(subject_.try_insert_range(at(index), numbers).has_value()); break;
            case 2: subject_.insert(at(index), Input(text), Input()); break;
            default:
                subject_.append_range(numbers);
                model_.insert(model_.end(), numbers.begin(), numbers.end());
                return;
        }
        model_.insert(model_at(index), numbers.begin(), numbers.end());
    }

    void remove(int value) {
        if (model_.empty()) return;
        std::size_t first = place(false);
        std::size_t last = place(true);
        if (first > last) std::swap(first, last);
        switch (*rc::gen::inRange(0, 5)) {
            case 0:
                subject_.pop_back();
                model_.pop_back();
                break;
            case 1:
                subject_.erase(at(first));
                model_.erase(model_at(first));
                break;
            case 2:
                subject_.erase(at(first), at(last));
                model_.erase(model_at(first), model_at(last));
                break;
            case 3: {
                const int which = model_[first];
                RC_ASSERT(erase(subject_, subject_[first]) == std::erase(model_, which));
                break;
            }
            default: {
                const auto big = [&](const auto& element) { return number(element) > value; };
                RC_ASSERT(erase_if(subject_, big) == std::erase_if(model_, big));
            }
        }
    }

    void resize(int value, std::size_t count) {
        const std::size_t size = model_.size() / 2 + count;
        switch (*rc::gen::inRange(0, 5)) {
            case 0:
                subject_.resize(size);
                model_.resize(size);
                break;
            case 1:
                RC_ASSERT(subject_.try_resize(size, value).has_value());
                model_.resize(size, value);
                break;
            case 2: subject_.reserve(size * 2); break;
            case 3: RC_ASSERT(subject_.try_reserve(size * 3).has_value()); break;
            default: subject_.shrink_to_fit(); RC_ASSERT(subject_.capacity() == subject_.size());
        }
    }

    void assign(int value, std::size_t count) {
        switch (*rc::gen::inRange(0, 5)) {
            case 0:
                subject_.assign(count, value);
                model_.assign(count, value);
                break;
            case 1: {
                auto copy = subject_;
                RC_ASSERT(copy == subject_);
                subject_ = std::move(copy);
                break;
            }
            case 2: {
                auto copy = subject_;
                subject_.clear();
                subject_ = copy;
                break;
            }
            case 3: {
                const std::vector<int> numbers(count, value);
                RC_ASSERT(subject_.try_assign_range(numbers).has_value());
                model_ = numbers;
                break;
            }
            default:
                if (model_.empty()) return;
                subject_.assign(count, subject_[0]);
                model_.assign(count, model_[0]);
        }
    }

    void check() const {
        RC_ASSERT(subject_.size() == model_.size());
        RC_ASSERT(subject_.capacity() >= subject_.size());
        RC_ASSERT(std::equal(subject_.begin(), subject_.end(), model_.begin(),
                             [](const T& a, int b) { return number(a) == b; }));
        if constexpr (requires { T::live; }) {
            RC_ASSERT(T::live == static_cast<long>(model_.size()));
        }
    }

    vector<T, TestAllocator<T>> subject_;
    std::vector<int> model_;
};

template <class T>
void behaves_like_std_vector() {
    const bool held = rc::check([] {
        Ledger ledger;
        ledger.slack = *rc::gen::element<std::size_t>(0, 0, 64, 400);
        {
            Pair<T> pair(ledger);
            const int steps = *rc::gen::inRange(1, 60);
            for (int i = 0; i < steps; ++i)
                pair.step();
        }
        RC_ASSERT(ledger.bytes == 0U);
        RC_ASSERT(ledger.errors == 0U);
        if constexpr (requires { T::live; }) RC_ASSERT(T::live == 0);
        RC_ASSERT(Tracked::broken == 0);
    });
    CHECK(held);
}

TEST_CASE("ints behave as in std::vector", "[vector_property]") {
    behaves_like_std_vector<int>();
}
TEST_CASE("elements moved in bulk behave as in std::vector", "[vector_property]") {
    behaves_like_std_vector<Bulky>();
}
TEST_CASE("elements moved one by one behave as in std::vector", "[vector_property]") {
    behaves_like_std_vector<Tracked>();
}

}  // namespace
}  // namespace cairn
