// SPDX-License-Identifier: MIT
// `string` against std::string: the same random operations on both.
#include <rapidcheck.h>

#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include "cairn/container/container_test_allocator.hpp"
#include "cairn/string.hpp"
#include "tests/unit/catch.hpp"

namespace cairn {
namespace {

using testing::Ledger;
using testing::TestAllocator;
using Text = basic_string<TestAllocator<char>>;

class Pair {
  public:
    explicit Pair(Ledger& ledger) : subject_(TestAllocator<char>(ledger)) {}

    void step() {
        const std::size_t index = *rc::gen::inRange<std::size_t>(0, model_.size() + 1);
        const std::size_t count = *rc::gen::inRange<std::size_t>(0, 20);
        const char letter = *rc::gen::inRange('a', 'e');
        switch (*rc::gen::inRange(0, 5)) {
            case 0: replace(index, count); break;
            case 1: grow(count, letter); break;
            case 2: resize(index, count, letter); break;
            case 3: move(); break;
            default: subject_.erase(index, count); model_.erase(index, count);
        }
        check();
    }

  private:
    /// Some other text or a part of this one, as what `use` gets for both.
    template <class Use>
    void with_text(Use use) {
        if (*rc::gen::arbitrary<bool>()) {
            const auto other = *rc::gen::container<std::string>(rc::gen::inRange('f', 'k'));
            use(std::string_view(other), other);
        } else {
            const std::size_t from = *rc::gen::inRange<std::size_t>(0, model_.size() + 1);
            const std::size_t count = *rc::gen::inRange<std::size_t>(0, model_.size() + 1);
            use(subject_.view().substr(from, count), model_.substr(from, count));
        }
    }
    void replace(std::size_t index, std::size_t count) {
        if (model_.size() > 500) return resize(10, 0, 'x');
        with_text([&](std::string_view text, const std::string& same) {
            switch (*rc::gen::inRange(0, 5)) {
                case 0:
                    subject_.replace(index, count, text);
                    model_.replace(index, count, same);
                    break;
                case 1:
                    RC_ASSERT(subject_.try_insert(index, text).has_value());
                    model_.insert(index, same);
                    break;
                case 2:
                    RC_ASSERT(subject_.try_append(text).has_value());
                    model_.append(same);
                    break;
                case 3:
                    subject_ = text;
                    model_ = same;
                    break;
                default:
                    RC_ASSERT(subject_.try_replace(index, count, text).has_value());
                    model_.replace(index, count, same);
            }
        });
    }
    void grow(std::size_t count, char letter) {
        if (count % 2 == 0) {
            RC_ASSERT(subject_.try_push_back(letter).has_value());
            model_.push_back(letter);
        } else {
            subject_.append(count, letter);
            model_.append(count, letter);
        }
    }
    void resize(std::size_t index, std::size_t count, char letter) {
        switch (*rc::gen::inRange(0, 4)) {
            case 0: subject_.reserve(index * 2 + count); break;
            case 1:
                subject_.shrink_to_fit();
                RC_ASSERT(subject_.capacity() == std::max<std::size_t>(subject_.size(), 15));
                break;
            case 2:
                subject_.assign(count, letter);
                model_.assign(count, letter);
                break;
            default:
                RC_ASSERT(subject_.try_resize(index, letter).has_value());
                model_.resize(index, letter);
        }
    }
    void move() {
        auto copy = subject_;
        RC_ASSERT(copy == subject_);
        switch (*rc::gen::inRange(0, 3)) {
            case 0: subject_ = std::move(copy); break;
            case 1: subject_ = copy; break;
            default:
                copy.push_back('!');
                RC_ASSERT(subject_ < copy);
                swap(subject_, copy);
                model_.push_back('!');
        }
    }
    void check() const {
        RC_ASSERT(subject_.view() == model_);
        RC_ASSERT(std::strlen(subject_.c_str()) == model_.size());
        RC_ASSERT(subject_.capacity() >= subject_.size());
    }

    Text subject_;
    std::string model_;
};

TEST_CASE("any sequence of operations acts as on std::string", "[string_property]") {
    const bool held = rc::check([] {
        Ledger ledger;
        ledger.slack = *rc::gen::element<std::size_t>(0, 0, 8, 400);
        {
            Pair pair(ledger);
            const int steps = *rc::gen::inRange(1, 80);
            for (int i = 0; i < steps; ++i)
                pair.step();
        }
        RC_ASSERT(ledger.bytes == 0U);
        RC_ASSERT(ledger.errors == 0U);
    });
    CHECK(held);
}

}  // namespace
}  // namespace cairn
