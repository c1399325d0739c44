// SPDX-License-Identifier: MIT
#include "lib/vector.hpp"

#include <list>
#include <memory>
#include <sstream>
#include <string>

#include "lib/vector_test_allocator.hpp"
#include "tests/unit/catch.hpp"

namespace cairn {
namespace {

TEST_CASE("an element of the vector may be the argument", "[vector]") {
    vector<std::string> v{"a rather long first string", "b"};
    v.shrink_to_fit();
    v.push_back(v[0]);
    v.shrink_to_fit();
    v.insert(v.begin(), v.back());
    v.insert(v.begin() + 1, 5, v[3]);
    CHECK(v.size() == 9);
    CHECK(std::count(v.begin(), v.end(), "a rather long first string") == 8);
}

}  // namespace
}  // namespace cairn
