// SPDX-License-Identifier: MIT
// Compares lib/cairn/format.hpp with libc++'s <format>: for every combination of the grammar's
// parts, and arguments of every kind, both must agree on whether the format string is valid and, if
// so, on the text. A program of its own, since it needs libc++ where the unit tests have libstdc++.
#include <array>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <format>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include <cairn/format.hpp>

namespace {

using Parts = std::vector<std::string_view>;

int compared = 0;
int valid = 0;
int differences = 0;

void differ(std::string_view format, std::string_view ours, std::string_view theirs) {
    if (++differences > 40) return;
    std::printf("%.*s\n  ours:   %.*s\n  theirs: %.*s\n", static_cast<int>(format.size()),
                format.data(), static_cast<int>(ours.size()), ours.data(),
                static_cast<int>(theirs.size()), theirs.data());
}

template <class... Args>
std::string by_cairn(std::string_view format, const Args&... args) {
    if (!cairn::is_valid_format<Args...>(format)) return "<invalid>";
    std::array<char, 1024> space;
    cairn::SpanWriter writer(space);
    const cairn::format_detail::ArgumentStore<Args...> store(args...);
    cairn::vformat_to(writer, format, store.view());
    return std::string(writer.view());
}

template <class... Args>
std::string by_std(std::string_view format, const Args&... args) {
    try {
        return std::vformat(format, std::make_format_args(args...));
    } catch (const std::format_error&) {
        return "<invalid>";
    }
}

/// Returns whether the format string is valid.
template <class... Args>
bool compare(std::string_view format, const Args&... args) {
    const std::string ours = by_cairn(format, args...);
    const std::string theirs = by_std(format, args...);
    ++compared;
    if (ours != theirs) differ(format, ours, theirs);
    if (theirs == "<invalid>") return false;
    ++valid;
    return true;
}

/// Calls `use` with each concatenation of one string out of each list.
template <class Use>
void each(const std::vector<Parts>& lists, const Use& use, std::size_t at = 0,
          const std::string& prefix = {}) {
    if (at == lists.size()) return use(prefix);
    for (const std::string_view part : lists[at]) {
        each(lists, use, at + 1, prefix + std::string(part));
    }
}

const Parts aligns{"", "<", "*^", "\u00e9>"};
const Parts signs{"", "+", " "};
const Parts widths{"", "12", "{}"};
const Parts precisions{"", ".3", ".{}"};
const Parts types{"", "b", "B", "c", "d", "o", "x", "X", "s", "?", "p", "P", "m", "n", "?s", "q"};

template <class T>
void scalars(std::initializer_list<T> values) {
    each({{"{:"}, aligns, signs, {"", "#"}, {"", "0"}, widths, precisions, types, {"}"}},
         [&](const std::string& format) {
             for (const T& value : values) {
                 if (!compare(format, value, 9, 4)) break;
             }
         });
}

/// Widths, brackets and one more level for the elements.
template <class T>
void ranges(const T& range, const T& empty,
            const Parts& kinds = {"", "n", "m", "nm", "mn", "s", "?s", "ns", "x", "?"}) {
    const Parts outer{"", "24", "*^24", ">{}", "-<30", ":<30", "+", "#", "0", ".3"};
    const Parts inner{"",     ":",   ":x",   ":#06x", ":*^8",  ":>{}", ":?",  ":c",
                      ":.2",  ":::", "::",   ":::x",  "::*<3", ":n",   ":m",  ":s",
                      ":n:x", "::d", ":^8m", ":^9nm", ":+",    ":+d",  ":s:", ":>8:"};
    each({{"{:"}, outer, kinds, inner, {"}"}}, [&](const std::string& format) {
        if (compare(format, range, 6, 4)) compare(format, empty, 26, 4);
    });
}

void all_ranges() {
    using Strings = std::vector<std::string_view>;
    ranges<std::vector<int>>({1, 120, 65}, {});
    ranges<std::vector<char>>({'a', '"', '\'', '\n'}, {});
    ranges<std::vector<char>>({'\xc3', '\xa9', '\xff'}, {});
    ranges<std::deque<unsigned char>>({1, 65}, {});
    ranges<Strings>({"a", "b\"c", "\u00e9"}, {});
    ranges<std::vector<bool>>({true, false}, {});
    ranges<std::vector<std::vector<int>>>({{1, 2}, {}, {3}}, {});
    ranges<std::vector<std::vector<char>>>({{'a', 'b'}, {}, {'\t'}}, {});
    ranges<std::set<int>>({3, 1}, {});
    ranges<std::map<int, std::string_view>>({{1, "one"}, {2, "two"}}, {});
    // libc++ 19 gives {:m} its braces but leaves the pairs as they are: format_test.cpp has it.
    ranges<std::vector<std::pair<int, char>>>({{1, 'a'}, {2, 'b'}}, {}, {"", "n", "s", "x", "?"});
    ranges<std::vector<std::tuple<int, char, bool>>>({{1, 'a', true}}, {});
    ranges<std::pair<int, std::string_view>>({1, "x"}, {});
    ranges<std::tuple<int, char, std::vector<int>>>({1, '\'', {2}}, {});
    ranges<std::tuple<>>({}, {});
}

void all_scalars() {
    int there = 0;
    scalars<int>({65, 0, 7});
    scalars<long>({100});
    scalars<unsigned char>({97});
    scalars<unsigned>({1});
    scalars<char>({'a', '\'', '\n', '\x7f', '\0'});
    scalars<bool>({true, false});
    scalars<std::string_view>({"", "text", "gr\u00fc\u00dfe", "a\tb\"c'\\", "\u20ac"});
    scalars<const char*>({"pointer"});
    scalars<const void*>({&there, nullptr});
    for (const std::string_view format : {"{}", "{:d}", "{:+b}", "{:#x}", "{:#o}", "{:020d}",
                                          "{:#X}", "{:#B}", "{:^#70b}", "{: }"}) {
        compare(format, std::numeric_limits<std::int64_t>::min());
        compare(format, std::numeric_limits<std::uint64_t>::max());
        compare(format, std::numeric_limits<signed char>::min());
        compare(format, short{-1});
    }
}

void escapes() {
    const Parts pieces{"a",    "\x1f",         "\xff",     "\xc3",       "\u00e9",   "\xe2\x82",
                       "\xa9", "\xed\xa0\x80", "\xf0\x9f", "\U0001f600", "\xc0\x80", "\u00a0"};
    each({pieces, pieces, pieces, pieces}, [](const std::string& text) { compare("{:?}", text); });
}

void field_syntax() {
    for (const std::string_view format : {"",
                                          "text",
                                          "{{",
                                          "}}",
                                          "{{}}",
                                          "{",
                                          "}",
                                          "{}",
                                          "{0}",
                                          "{1}",
                                          "{2}",
                                          "{3}",
                                          "{0}{1}{0}",
                                          "{}{}",
                                          "{}{}{}{}",
                                          "{0}{}",
                                          "{}{0}",
                                          "{a}",
                                          "{-1}",
                                          "{00}",
                                          "{01}",
                                          "{ }",
                                          "{0 }",
                                          "{!}",
                                          "{:",
                                          "{:}",
                                          "{:}}",
                                          "{:{}",
                                          "{:{}}",
                                          "{:{}}{}",
                                          "{:{1}}",
                                          "{0:{1}}",
                                          "{0:{1}.{1}}",
                                          "{1:{}}",
                                          "{0:{2}}",
                                          "{0:{3}}",
                                          "{:{2}}",
                                          "{2:{0}}",
                                          "{:{:}}",
                                          "{:{0:}}",
                                          "{99999999999}",
                                          "{:99999999999}",
                                          "{:.99999999999}",
                                          "{:{99999999999}}",
                                          "{:{<5}",
                                          "{:}<5}",
                                          "{:<<5}",
                                          "{::>5}",
                                          "{:5:}",
                                          "{0:}}}",
                                          "{{{}",
                                          "{{{}}}",
                                          "{}}",
                                          "a{}b{}c{{d}}",
                                          "{:5",
                                          "{:\xc3>5}",
                                          "{:.}",
                                          "{:{}.{}}",
                                          "{0:{1}.{}}",
                                          "{:01}",
                                          "{:00}",
                                          "{:-}",
                                          "{:>05}",
                                          "{:-#B}",
                                          "{2:.0}",
                                          "{:1}",
                                          "{:%}",
                                          "{:a}",
                                          "{:xs}",
                                          "{2:sx}",
                                          "{2:s}"}) {
        compare(format, 5, 9, "third");
    }
}

}  // namespace

int main() {
    field_syntax();
    all_scalars();
    all_ranges();
    escapes();
    std::printf("%d format strings compared, %d of them valid, %d differences\n", compared, valid,
                differences);
    return differences == 0 ? 0 : 1;
}
