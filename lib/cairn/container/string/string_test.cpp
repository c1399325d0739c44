// SPDX-License-Identifier: MIT
#include "cairn/string.hpp"

#include <cstring>
#include <functional>
#include <ranges>
#include <string>
#include <string_view>
#include <utility>

#include "cairn/container/container_test_allocator.hpp"
#include "cairn/flat_map.hpp"
#include "cairn/hash_map.hpp"
#include "cairn/print.hpp"
#include "cairn/vector.hpp"
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
// No number and no null pointer is a text.
static_assert(!std::is_assignable_v<string&, std::nullptr_t> &&
              !std::is_assignable_v<string&, int>);
static_assert(!std::is_constructible_v<string, std::nullptr_t> &&
              !std::is_constructible_v<string, int>);
template <class T>
concept TakesNull =
    requires(T text) { text = 0; } || requires(T text) { text.append(nullptr); } ||
    requires(T text) { text.assign(nullptr); } || requires { T(0); } ||
    requires(T text) { text += nullptr; } || requires(T text) { text + nullptr; } ||
    requires(T text) { text.find(nullptr); } || requires(T text) { text == nullptr; };
static_assert(!TakesNull<string>);

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
    if (s != "<A.." || t != std::string_view("<ABAB") || (s >= t) == (s < t)) return false;
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

TEST_CASE("braces without anything in them are an empty text", "[string]") {
    string s("x");
    s = {};
    CHECK(s.empty());
    s = "x";
    s.assign({}).append({}).insert(0, {}).replace(0, 0, {});
    s += {};
    CHECK(s.empty());
    CHECK(string({}).empty());
    flat_map<int, string> sorted{{1, "x"}};
    hash_map<int, string> hashed{{1, "x"}};
    sorted[1] = {};
    hashed[1] = {};
    CHECK((sorted[1].empty() && hashed[1].empty()));
}

TEST_CASE("letters in braces are the text", "[string]") {
    CHECK(string{'a', 'b'} == "ab");
    string s = {'a', 'b', 'c'};
    CHECK(s == "abc");
    s = {'d'};
    s += {'e', 'f'};
    s.append({'g'}).replace(s.begin(), s.begin() + 1, {'x', 'y'});
    CHECK(s == "xyefg");
    s = 'z';
    CHECK(s == "z");
}

TEST_CASE("behind the last character of a string stands a NUL", "[string]") {
    string s = "abc";
    CHECK(s[s.size()] == '\0');
    CHECK(std::as_const(s)[3] == '\0');
    CHECK(string()[0] == '\0');
}

/// Every form of std::string's that changes or asks, as both do it.
template <class Text>
std::string through_all_forms() {
    Text s("the quick brown fox jumps over the lazy dog");
    const Text kept(s);
    Text out;
    const auto say = [&](std::size_t value) {
        if (value == Text::npos) value = 9999;
        out.append(1, static_cast<char>('a' + value % 26))
            .append(1, static_cast<char>('a' + value / 26 % 26));
    };
    for (const std::size_t from : {std::size_t{0}, std::size_t{5}, std::size_t{43}, Text::npos}) {
        say(s.find('o', from)), say(s.find("the", from)), say(s.find("they", from, 3));
        say(s.rfind('o', from)), say(s.rfind("the", from)), say(s.rfind("they", from, 3));
        say(s.find_first_of("xyz", from)), say(s.find_first_of('q', from));
        say(s.find_last_of("xyz", from)), say(s.find_last_of('q', from));
        say(s.find_first_not_of("the ", from)), say(s.find_first_not_of('t', from));
        say(s.find_last_not_of("dog", from)), say(s.find_last_not_of('g', from));
    }
    say(s.compare("the") > 0), say(s.compare(4, 5, "quick") == 0), say(s.compare(4, 5, "q", 1) > 0);
    say(s.compare(0, 3, kept, 31, 3) == 0), say(s.compare(kept) == 0);
    out += s.substr(4, 5) + ' ' + s.substr(40) + "!" + ("<" + s.substr(0, 3)) +
           ('>' + kept.substr(41));
    s.insert(4, 3, '.').insert(0, "abcdef", 2).insert(3, kept, 10, 5);
    s.insert(s.begin() + 1, 'I');
    s.insert(s.end(), 2, 'E');
    s.insert(s.begin() + 2, {'x', 'y'});
    s.insert(s.begin(), kept.begin(), kept.begin() + 3);
    out += s;
    s.replace(0, 3, "THE")
        .replace(3, 2, "abcdef", 2)
        .replace(1, 1, 4, 'z')
        .replace(2, 1, kept, 35, 4);
    s.replace(s.begin(), s.begin() + 2, "QQ").replace(s.begin(), s.begin() + 1, 3, 'R');
    s.replace(s.begin() + 1, s.begin() + 4, kept.begin(), kept.begin() + 6);
    out += s;
    s.erase(s.begin());
    s.erase(s.begin() + 2, s.begin() + 6);
    s.erase(s.size() - 3);
    out += s;
    out.append(kept, 4, 5).append(kept.begin(), kept.begin() + 3);
    s.assign("abc", 2).push_back('!');
    s.append("xyz", 1);
    say(s.at(1) == 'b'), say(s.contains('!')), say(s.starts_with('a')), say(s.ends_with('x'));
    out += s;
    s.assign(kept, 4, 5);
    out.append(s.rbegin(), s.rend());
    char copied[4] = {};
    say(s.copy(copied, 3, 1));
    out += copied;
    s.resize_and_overwrite(3, [](char* to, std::size_t count) {
        to[0] = 'W';
        return count - 1;
    });
    out += s;
    say(erase_if(out, [](char letter) { return letter == 'o'; })), say(erase(out, 'x'));
    return std::string(std::string_view(out));
}

TEST_CASE("every form of std::string's does what that does", "[string]") {
    CHECK(through_all_forms<string>() == through_all_forms<std::string>());
    CHECK(std::hash<string>()(string("abc")) == std::hash<std::string_view>()("abc"));
    const vector<int> numbers{'a', 'b'};
    string s(from_range, numbers);
    s.append_range(numbers);
    s.insert_range(s.begin(), std::string_view("x"));
    s.replace_with_range(s.end(), s.end(), std::views::single('y'));
    CHECK(s == "xababy");
    s.assign_range(s.view().substr(1, 2));
    CHECK(s == "ab");
    s.insert(s.begin() + 1, s.begin(), s.end());
    CHECK(s == "aabb");
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
    CHECK(says(last_words([&] { s[4] = 'x'; }), "string: index 4 of 3 elements"));
    CHECK(says(last_words([&] { s.at(3) = 'x'; }), "string: index 3 of 3 elements"));
    CHECK(says(last_words([&] { (void)s.substr(4); }), "string: index 4 of 3 elements"));
    const string other = "xyz";
    for (const auto& words :
         {last_words([&] { s.insert(4, "x"); }),
          last_words([&] { s.insert(other.end() + 1, 'x'); }),
          last_words([&] { s.erase(s.end()); }), last_words([&] { (void)s.compare(4, 1, "x"); }),
          last_words([&] { s.replace(s.end(), s.begin(), "x"); })}) {
        CHECK(says(words, "string_test.cpp"));
    }
    CHECK(says(last_words([&] { s.erase(4); }), "string: index 4 of 3 elements"));
    CHECK(says(last_words([&] { s.append(SIZE_MAX, 'x'); }), "elements wanted, at most"));
    s.clear();
    CHECK(says(last_words([&] { s.pop_back(); }), "string: pop_back() of no elements"));
}

TEST_CASE("string: parts of a literal, in braces too", "[string]") {
    string s("hello");
    s = {"abc", 2};
    CHECK(s == "ab");
    s = string({"xyz", 1});
    CHECK(s == "x");
    CHECK(string("abcdef", 2, 3) == "cde");
    CHECK(string("abcdef", 4, 3) == "ef");
    s.resize_and_overwrite(4, [](char*&& text, std::size_t&& count) {
        text[0] = 'q';
        return count - 3;
    });
    CHECK(s == "q");
    static_assert(noexcept(s == s) && noexcept(s < s) && noexcept(s.find(s)) &&
                  noexcept(s.contains('x')) && noexcept(s.starts_with(std::string_view())));
}

TEST_CASE("string: a part of a literal in braces is searched for", "[string]") {
    const string s("abcab");
    CHECK(s.find({"bx", 1}) == 1);
    CHECK(s.rfind({"bx", 1}) == 4);
    CHECK(s.find_first_of({"cb", 1}) == 2);
    CHECK(s.find_last_of({"ax", 1}) == 3);
    CHECK(s.find_first_not_of({"ab", 1}) == 1);
    CHECK(s.find_last_not_of({"bx", 1}) == 3);
    CHECK((s.contains({"bcx", 2}) && s.starts_with({"abx", 2}) && s.ends_with({"abx", 2})));
}

TEST_CASE("a part of a string that is moved from takes its block", "[string]") {
    Ledger ledger;
    Ledger elsewhere;
    const TestAllocator<char> allocator(ledger);
    const std::string_view text = "a text that is too long to lie within its object";
    {
        Text s(text, allocator);
        const char* const block = s.data();
        Text part = std::move(s).substr(2, 20);
        CHECK((part == text.substr(2, 20) && part.data() == block && s.empty()));  // NOLINT
        Text rest(std::move(part), 5, allocator);
        CHECK((rest == text.substr(7, 15) && rest.data() == block));
        CHECK(ledger.requests == 1);
        Text moved(std::move(rest), 1, 2, TestAllocator<char>(elsewhere));
        CHECK((moved == text.substr(8, 2) && rest.empty()));  // NOLINT
        CHECK(Text(moved, 1, allocator) == text.substr(9, 1));
        CHECK(Text(text, allocator).substr(40) == text.substr(40));
        const auto words = last_words([&] { (void)std::move(moved).substr(3); });
        CHECK(words.find("string: index 3 of 2 elements") != std::string::npos);
    }
    CHECK((ledger.bytes == 0 && elsewhere.bytes == 0));
}

TEST_CASE("two texts are joined in one block, with the allocator of what is moved", "[string]") {
    Ledger here;
    Ledger there;
    {
        const Text a(20, 'a', TestAllocator<char>(here));
        const Text b(30, 'b', TestAllocator<char>(there));
        const std::size_t before = here.requests;
        const Text both = a + b;
        CHECK((here.requests == before + 1 && both.size() == 50 && both.ends_with("bb")));
        CHECK((("x" + b).get_allocator().ledger().bytes > 0 && here.requests == before + 1));
        Text moved = a + Text(b);
        CHECK((moved == both && &moved.get_allocator().ledger() == &there));
        CHECK(&(Text(a) + Text(b)).get_allocator().ledger() == &here);
        moved.reserve(100);
        const char* const block = moved.data();
        const Text longer = 'x' + ("y" + std::move(moved) + '!');
        CHECK((longer.data() == block && longer.starts_with("xya") && longer.ends_with("b!")));
    }
    CHECK((here.bytes == 0 && there.bytes == 0 && here.errors + there.errors == 0));
}

TEST_CASE("assign() of a string is its assignment", "[string]") {
    Ledger here;
    Ledger there;
    using Wandering = basic_string<TestAllocator<char, true>>;
    const Wandering a("a", TestAllocator<char, true>(here));
    Wandering b("b", TestAllocator<char, true>(there));
    CHECK(b.assign(a) == "a");
    CHECK(&b.get_allocator().ledger() == &here);
    static_assert(noexcept(string().assign(string())));
    static_assert(noexcept(b.assign(std::move(b))) && !noexcept(b.assign(a)));
}

/// Lies anywhere, and has functions of its own, which would not compile.
struct Incomplete;
template <class T>
struct Holder {
    T held;
};
template <class T>
struct Letter {
    operator char() const { return 'l'; }  // NOLINT: what makes it a letter
};

TEST_CASE("string: letters of a type whose namespace is never asked", "[string]") {
    const Letter<Holder<Incomplete>> letters[2];
    string s("x");
    s.append(letters, letters + 2).assign(letters, letters + 1).append(letters, letters + 1);
    CHECK(s == "ll");
}

}  // namespace
}  // namespace cairn
