// SPDX-License-Identifier: MIT
#include "lib/container/string.hpp"

#include <cstring>
#include <ranges>
#include <string>
#include <string_view>
#include <utility>

#include "lib/container/container_test_allocator.hpp"
#include "lib/container/flat_map.hpp"
#include "lib/container/hash_map.hpp"
#include "lib/container/vector.hpp"
#include "lib/print.hpp"
#include "tests/unit/catch.hpp"
#include "tests/unit/last_words.hpp"

namespace cairn {
namespace {

using testing::Ledger;
using testing::TestAllocator;
using Text = basic_string<TestAllocator<char>>;

static_assert(sizeof(string) == 24);
static_assert(std::ranges::contiguous_range<string>);
static_assert(std::regular<string> && std::totally_ordered<string>);
static_assert(std::is_convertible_v<const string&, std::string_view>);
static_assert(!std::is_convertible_v<std::string_view, string>);
static_assert(std::is_nothrow_default_constructible_v<string>);
static_assert(std::is_nothrow_move_constructible_v<string>);
static_assert(std::is_nothrow_move_assignable_v<string>);
static_assert(!std::is_nothrow_move_assignable_v<Text>);
static_assert(is_trivially_relocatable_v<string>);
static_assert(Formattable<string>);

constexpr bool edits() {
    string s = "abc";
    s.push_back('d');
    s += "efg";
    s += 'h';
    s.append(3, '!').insert(0, "<").insert(s.size(), ">");
    if (s != "<abcdefgh!!!>" || s.size() != 13 || s.capacity() < 13) return false;
    s.erase(9, 3).replace(1, 2, "AB and a text that needs a block");
    if (s != "<AB and a text that needs a blockcdefgh>") return false;
    string t = s;
    s.append(s).erase(3);
    s.insert(1, s).assign(s.view().substr(1));
    if (s != "<ABAB") return false;
    t.resize(2);
    t.shrink_to_fit();
    t.resize(4, '.');
    swap(s, t);
    if (s != "<A.." || t != std::string_view("<ABAB") || s >= t == (s < t)) return false;
    s = std::move(t);
    s.pop_back();
    if (s.back() != 'A' || s.front() != '<' || s[1] != 'A' || s.c_str()[4] != '\0') return false;
    s.clear();
    s.reserve(100);
    return s.empty() && s == "" && s.capacity() >= 100 && s.find("x") == string::npos;
}
static_assert(edits());

constexpr bool tries() {
    auto s = string::try_from("one");
    if (!s || !s->try_append(" two") || !s->try_append(2, '.') || !s->try_push_back('3'))
        return false;
    if (!s->try_insert(0, "zero ") || !s->try_replace(0, 4, "0") || !s->try_resize(9)) return false;
    return *s == "0 one two" && s->try_assign("x") && s->try_assign(40, 'y') && s->try_reserve(50);
}
static_assert(tries());

TEST_CASE("a string is edited as std::string is", "[string]") {
    CHECK(edits());
    CHECK(tries());
}

TEST_CASE("15 characters lie in the object itself", "[string]") {
    Ledger ledger;
    Text s{TestAllocator<char>(ledger)};
    s.append(15, 'x');
    CHECK(ledger.requests == 0);
    CHECK(std::strlen(s.c_str()) == 15);
    s.push_back('y');
    CHECK(ledger.requests == 1);
    CHECK(std::strlen(s.c_str()) == 16);
    s.pop_back();
    s.shrink_to_fit();
    CHECK(ledger.bytes == 0);
    CHECK(s == "xxxxxxxxxxxxxxx");
}

TEST_CASE("texts that are part of the string may be used to change it", "[string]") {
    const std::string_view alphabet = "abcdefghijklmnopqrstuvwxyz";
    for (const std::size_t spare : {0UZ, 100UZ}) {
        for (std::size_t index = 0; index <= 10; ++index) {
            for (std::size_t removed = 0; removed <= 10 - index; ++removed) {
                for (std::size_t from = 0; from <= 10; ++from) {
                    for (std::size_t count = 0; count <= 10 - from; ++count) {
                        string s(alphabet.substr(0, 10));
                        if (spare != 0) s.reserve(spare);
                        std::string expected(s.view());
                        s.replace(index, removed, s.view().substr(from, count));
                        expected.replace(index, removed, std::string(alphabet.substr(from, count)));
                        if (s == expected) continue;
                        FAIL(index << ' ' << removed << ' ' << from << ' ' << count << ": "
                                   << s.view());
                    }
                }
            }
        }
    }
}

TEST_CASE("a string is found, printed and compared as text", "[string]") {
    const string s = "stage two";
    CHECK(s.contains("two"));
    CHECK(s.starts_with("stage"));
    CHECK(s.ends_with("two"));
    CHECK(s.find("t", 2) == 6);
    CHECK(((s <=> "stage") > 0));
    CHECK("stage two" == s);
    CHECK("stage" < s);
    FixedBuffer<80> text;
    print(text, "{} {:>10}|{}", s, s, vector<string>{"a\n", "b"});
    CHECK(text.view() == R"(stage two  stage two|["a\n", "b"])");
    flat_map<string, int> sorted{{"b", 2}, {"a", 1}};
    CHECK(sorted.begin()->first == "a");
    hash_map<string, int> hashed{{"b", 2}, {"a", 1}};
    CHECK(hashed.at(std::string_view("b")) == 2);
    CHECK(hashed.contains("a"));
}

TEST_CASE("a string may hold any characters", "[string]") {
    string s(std::string_view("a\0b", 3));
    s.push_back('\0');
    CHECK(s.size() == 4);
    CHECK(s == std::string_view("a\0b\0", 4));
}

TEST_CASE("strings keep to their allocators", "[string]") {
    Ledger here;
    Ledger there;
    {
        const std::string_view text = "a text that is too long to lie within its object";
        Text a(text, TestAllocator<char>(here));
        Text b("x", TestAllocator<char>(there));
        b = std::move(a);
        CHECK(a.empty());  // NOLINT: moved from, and therefore empty
        CHECK(b == text);
        CHECK(&b.get_allocator().ledger() == &there);
        CHECK(last_words([&] { a.swap(b); }).find("string: swap() between unequal allocators") !=
              std::string::npos);
        a = b;
        CHECK(a == b);
        CHECK(&Text(a).get_allocator().ledger() == &here);

        using Wandering = basic_string<TestAllocator<char, true>>;
        Wandering c(text, TestAllocator<char, true>(here));
        Wandering d("y", TestAllocator<char, true>(there));
        swap(c, d);
        CHECK(&d.get_allocator().ledger() == &here);
        CHECK(c == "y");
        c = std::move(d);
        CHECK(c == text);
        d = c;
        CHECK(&d.get_allocator().ledger() == &here);
    }
    CHECK(here.bytes + there.bytes == 0);
    CHECK(here.errors + there.errors == 0);
}

TEST_CASE("misuse of a string ends in a sentence", "[string]") {
    string s = "abc";
    const auto says = [](const std::string& words, const char* what) {
        return words.find(what) != std::string::npos;
    };
    CHECK(says(last_words([&] { s[3] = 'x'; }), "string: index 3 of 3 elements"));
    CHECK(says(last_words([&] { s.erase(4); }), "string: index 4 of 3 elements"));
    CHECK(says(last_words([&] { s.append(SIZE_MAX, 'x'); }), "elements wanted, at most"));
    s.clear();
    CHECK(says(last_words([&] { s.pop_back(); }), "string: pop_back() of no elements"));
}

}  // namespace
}  // namespace cairn
