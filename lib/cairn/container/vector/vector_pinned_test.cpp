// SPDX-License-Identifier: MIT
// A vector of what cannot be moved.
#include "cairn/container/container_test_allocator.hpp"
#include "cairn/vector.hpp"
#include "tests/unit/catch.hpp"
#include "tests/unit/last_words.hpp"

using namespace cairn;
using namespace cairn::testing;

TEST_CASE("elements that cannot be moved stay where they are made", "[vector_pinned]") {
    struct Pinned {
        explicit Pinned(int number) : value(number) {}
        Pinned(const Pinned&) = delete;
        Pinned& operator=(const Pinned&) = delete;
        int value;
        Pinned* self = this;
    };
    Ledger ledger;
    {
        vector<Pinned, TestAllocator<Pinned>> v(TestAllocator<Pinned>{ledger});
        CHECK(v.try_reserve(1));
        CHECK(v.try_reserve(3));  // as long as there is nothing to move
        for (int i = 0; i < 3; ++i)
            CHECK(v.try_emplace_back(i));
        CHECK(v.max_size() == 3);
        CHECK(v.try_emplace_back(3) == std::unexpected(ContainerError::too_long));
        CHECK(v.try_reserve(4) == std::unexpected(ContainerError::too_long));
        v.pop_back();
        v.shrink_to_fit();
        CHECK(v.size() == 2);
        for (Pinned& each : v)
            CHECK(each.self == &each);
    }
    CHECK(ledger.bytes == 0);
    CHECK(ledger.errors == 0);
    vector<Pinned> one;
    CHECK(one.emplace_back(7).value == 7);  // takes room for itself
    CHECK(last_words([&] {
              for (int i = 0; i < 8; ++i)
                  one.emplace_back(i);
          }).find("elements wanted") != std::string::npos);
}
