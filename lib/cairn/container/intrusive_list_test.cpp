// SPDX-License-Identifier: MIT
#include "cairn/intrusive_list.hpp"

#include <rapidcheck.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>
#include <list>
#include <ranges>
#include <string>
#include <vector>

#include "cairn/print.hpp"
#include "tests/unit/catch.hpp"
#include "tests/unit/last_words.hpp"

namespace cairn {
namespace {

struct Node : list_hook {
    constexpr Node(int number) : value(number) {}  // NOLINT: implicit, as an int is
    int value;
};

/// In two lists at once, neither hook at its start.
struct Task {
    int value = 0;
    list_hook by_age{};
    list_hook by_name{};
};
using ByAge = intrusive_list<Task, member_hook<&Task::by_age>>;
using ByName = intrusive_list<Task, member_hook<&Task::by_name>>;
struct UrgentTask : Task {};

using List = intrusive_list<Node>;
static_assert(std::ranges::bidirectional_range<List>);
static_assert(std::ranges::bidirectional_range<const List>);
static_assert(std::is_convertible_v<List::iterator, List::const_iterator>);
static_assert(!std::is_convertible_v<List::const_iterator, List::iterator>);
static_assert(std::is_nothrow_move_constructible_v<List>);
static_assert(!std::is_copy_constructible_v<List> && !std::is_move_constructible_v<Node>);
static_assert(sizeof(Node) == 3 * sizeof(void*));

template <class SomeList>
constexpr bool holds(const SomeList& list, std::initializer_list<int> values) {
    return std::ranges::equal(list, values, {}, &SomeList::value_type::value) &&
           std::ranges::equal(std::views::reverse(list), std::views::reverse(values), {},
                              &SomeList::value_type::value);
}

constexpr bool edits() {
    Node a = 1;
    Node b = 2;
    Node c = 3;
    List list;
    if (!list.empty() || list.try_pop_front() != nullptr) return false;
    list.push_back(b);
    list.push_front(a);
    list.insert(list.end(), c);
    if (!holds(list, {1, 2, 3}) || list.size() != 3 || !b.is_linked()) return false;
    if (list.erase(b)->value != 3 || b.is_linked() || !holds(list, {1, 3})) return false;
    List other;
    other.push_back(b);
    list.splice(list.begin(), other);
    if (!holds(list, {2, 1, 3}) || !other.empty()) return false;
    other = std::move(list);
    other.splice(other.end(), other, List::iterator_to(b));
    if (!holds(other, {1, 3, 2}) || !list.empty()) return false;
    b.unlink();
    swap(list, other);
    if (list.remove_if([](const Node& node) { return node.value > 1; }) != 1) return false;
    return list.try_pop_front() == &a && list.empty();
}
static_assert(edits());

constinit List global_list;

TEST_CASE("a list of objects that have their own links", "[intrusive_list]") {
    CHECK(edits());
    CHECK(global_list.empty());
}

TEST_CASE("an object is in as many lists as it has hooks", "[intrusive_list]") {
    std::array<Task, 3> tasks{};
    UrgentTask urgent;
    urgent.value = 9;
    ByAge by_age;
    ByName by_name;
    for (int i = 0; Task & task : tasks) {
        task.value = i++;
        by_age.push_back(task);
        by_name.push_front(task);
    }
    by_name.push_back(urgent);
    CHECK(holds(by_age, {0, 1, 2}));
    CHECK(holds(by_name, {2, 1, 0, 9}));
    by_age.erase(tasks[1]);
    CHECK(!ByAge::is_linked(tasks[1]));
    CHECK(ByName::is_linked(tasks[1]));
    CHECK(holds(by_age, {0, 2}));
    CHECK(holds(by_name, {2, 1, 0, 9}));
    CHECK(&by_name.back() == &urgent);
    intrusive_list<UrgentTask, member_hook<&Task::by_age>> emergencies;
    emergencies.push_back(urgent);
    CHECK(&emergencies.front() == &urgent);
}

TEST_CASE("a list that dies lets go of its objects", "[intrusive_list]") {
    Node a = 1;
    {
        List list;
        list.push_back(a);
    }
    CHECK(!a.is_linked());
    List again;
    again.push_back(a);
    CHECK(again.size() == 1);
    again.clear();
}

TEST_CASE("a link that leads elsewhere is found before it is used", "[intrusive_list]") {
    Node a = 1;
    Node b = 2;
    Node c = 3;
    List list;
    list.push_back(a);
    list.push_back(b);
    const auto overwrite = [](Node& node, const void* next) {
        std::memcpy(static_cast<void*>(static_cast<list_hook*>(&node)), &next, sizeof next);
    };
    const std::string broken = "has neighbours that do not lead back to it";
    CHECK(last_words([&] {
              overwrite(a, &c);
              list.erase(b);
          }).find(broken) != std::string::npos);
    CHECK(last_words([&] {
              overwrite(b, &a);
              list.push_back(c);
          }).find(broken) != std::string::npos);
    CHECK(last_words([&] {
              List other;
              overwrite(b, &b);
              other.splice(other.begin(), list);
          }).find(broken) != std::string::npos);
    list.clear();
}

TEST_CASE("misuse ends in a sentence", "[intrusive_list]") {
    Node a = 1;
    List list;
    CHECK(last_words([&] { list.erase(a); }).find("is removed while it is in no list") !=
          std::string::npos);
    CHECK(last_words([&] { list.front(); }).find("intrusive_list: front() of no elements") !=
          std::string::npos);
    CHECK(last_words([&] {
              list.erase(list.end());
          }).find("intrusive_list: a position outside of its elements") != std::string::npos);
    list.push_back(a);
    Node unlinked = 3;
    List other;
    for (const auto& words :
         {last_words([&] { list.push_back(a); }), last_words([&] { list.push_front(a); }),
          last_words([&] { list.insert(list.begin(), a); }),
          last_words([&] { list.erase(unlinked); }), last_words([&] { unlinked.unlink(); }),
          last_words([&] { list.erase(list.begin(), other.end()); })})
        CHECK(words.find("intrusive_list_test.cpp") != std::string::npos);
    CHECK(last_words([&] { list.push_back(a); }).find("is added while it is in a list") !=
          std::string::npos);
    CHECK(last_words([&] {
              Node short_lived = 2;
              list.push_back(short_lived);
          }).find("is destroyed while it is in a list") != std::string::npos);
    list.clear();
}

template <class SomeList>
typename SomeList::iterator at(SomeList& list, std::size_t place) {
    return std::next(list.begin(), static_cast<std::ptrdiff_t>(place));
}

/// Two lists over the same 12 nodes, beside two std::lists of their numbers.
class Pair {
  public:
    void step() {
        const auto which = *rc::gen::inRange<std::size_t>(0, 2);
        List& list = lists_[which];
        std::list<int>& model = models_[which];
        Node& node = nodes_[*rc::gen::inRange<std::size_t>(0, nodes_.size())];
        const auto place = *rc::gen::inRange<std::size_t>(0, model.size() + 1);
        switch (*rc::gen::inRange(0, 6)) {
            case 0:
                if (node.is_linked()) break;
                list.insert(at(list, place), node);
                model.insert(at(model, place), node.value);
                break;
            case 1:
                if (!node.is_linked()) break;
                node.unlink();
                for (auto& each : models_)
                    each.remove(node.value);
                break;
            case 2: splice_all(which, place); break;
            case 3: splice_range(which, place); break;
            case 4:
                std::swap(lists_[0], lists_[1]);
                std::swap(models_[0], models_[1]);
                break;
            default: remove(list, model, place);
        }
        check();
    }

  private:
    void splice_all(std::size_t which, std::size_t place) {
        lists_[which].splice(at(lists_[which], place), lists_[1 - which]);
        models_[which].splice(at(models_[which], place), models_[1 - which]);
    }
    void splice_range(std::size_t which, std::size_t place) {
        std::list<int>& other = models_[1 - which];
        const auto first = *rc::gen::inRange<std::size_t>(0, other.size() + 1);
        const auto last = *rc::gen::inRange<std::size_t>(first, other.size() + 1);
        List& from = lists_[1 - which];
        lists_[which].splice(at(lists_[which], place), from, at(from, first), at(from, last));
        models_[which].splice(at(models_[which], place), other, at(other, first), at(other, last));
    }
    static void remove(List& list, std::list<int>& model, std::size_t place) {
        if (model.empty()) {
            RC_ASSERT(list.try_pop_front() == nullptr);
        } else if (place == model.size()) {
            list.pop_back();
            model.pop_back();
        } else if (place % 2 == 0) {
            const auto next = list.erase(at(list, place));
            const auto model_next = model.erase(at(model, place));
            RC_ASSERT((next == list.end()) == (model_next == model.end()));
        } else {
            const auto odd = [](int value) { return value % 2 == 1; };
            const auto removed = list.remove_if([&](const Node& node) { return odd(node.value); });
            RC_ASSERT(removed == model.remove_if(odd));
        }
    }
    void check() const {
        std::size_t linked = 0;
        for (std::size_t i = 0; i < 2; ++i) {
            RC_ASSERT(std::ranges::equal(lists_[i], models_[i], {}, &Node::value));
            RC_ASSERT(std::ranges::equal(std::views::reverse(lists_[i]),
                                         std::views::reverse(models_[i]), {}, &Node::value));
            linked += models_[i].size();
        }
        RC_ASSERT(static_cast<std::size_t>(std::ranges::count_if(nodes_, &Node::is_linked)) ==
                  linked);
    }

    std::array<Node, 12> nodes_{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
    std::array<List, 2> lists_;
    std::array<std::list<int>, 2> models_;
};

TEST_CASE("any sequence of operations acts as on std::list", "[intrusive_list]") {
    const bool held = rc::check([] {
        Pair pair;
        const int steps = *rc::gen::inRange(1, 80);
        for (int i = 0; i < steps; ++i)
            pair.step();
    });
    CHECK(held);
}

}  // namespace
}  // namespace cairn
