// SPDX-License-Identifier: MIT
#include "cairn/spinlock.hpp"

#include <string>
#include <type_traits>

#include "tests/unit/catch.hpp"

using namespace cairn;

namespace {

constinit Spinlock global_lock;                         // no constructor to run
constinit Guarded<int> global_count(std::in_place, 3);  // nor here

/// Whether `lock` could be taken (and was let go again) by code that does not know its state.
bool taken_elsewhere(Spinlock& lock) CAIRN_NO_THREAD_SAFETY_ANALYSIS {
    const bool taken = lock.try_lock();
    if (taken) lock.unlock();
    return taken;
}

/// Counts what is done to it.
struct CountingLock {
    static inline int total_locked = 0;
    static inline int total_unlocked = 0;
    void lock() CAIRN_NO_THREAD_SAFETY_ANALYSIS { ++total_locked; }
    bool try_lock() { return false; }
    void unlock() { ++total_unlocked; }
};

static_assert(sizeof(Spinlock) == 4);
static_assert(sizeof(Guarded<long, NullLock>) == sizeof(long));
static_assert(!std::is_copy_constructible_v<Spinlock> && !std::is_move_constructible_v<Spinlock>);
static_assert(!std::is_copy_constructible_v<Guarded<int>>);
static_assert(!Lockable<int>);

}  // namespace

TEST_CASE("A free lock is taken, a taken one is not", "[spinlock]") {
    REQUIRE_FALSE(global_lock.is_locked());
    if (global_lock.try_lock()) {
        CHECK(global_lock.is_locked());
        CHECK_FALSE(taken_elsewhere(global_lock));
        global_lock.unlock();
    } else {
        FAIL("a free lock was refused");
    }
    CHECK_FALSE(global_lock.is_locked());
    CHECK(taken_elsewhere(global_lock));
}

TEST_CASE("A guard holds its lock for its scope", "[spinlock]") {
    Spinlock lock;
    {
        const SpinGuard guard(lock);
        CHECK(lock.is_locked());
    }
    CHECK_FALSE(lock.is_locked());
}

TEST_CASE("Guarded data is reached with its lock held", "[spinlock]") {
    CHECK(global_count.with([](int& value) { return ++value; }) == 4);

    Guarded<std::string> text(std::in_place, 3U, 'x');
    text.with([](std::string& value) { value += 'y'; });
    CHECK(std::as_const(text).with([](const std::string& value) { return value.size(); }) == 4);

    auto access = text.lock();
    CHECK(*access == "xxxy");
    access->clear();
    CHECK_FALSE(text.try_lock().has_value());
    {
        const auto moved = std::move(access);
        CHECK(moved->empty());
        CHECK_FALSE(text.try_lock().has_value());
    }
    auto again = text.try_lock();
    REQUIRE(again.has_value());
    **again = "free";
    again.reset();
    CHECK(text.with([](const std::string& value) { return value; }) == "free");
}

TEST_CASE("A const Guarded gives a const value to who locks it", "[spinlock]") {
    const Guarded<std::string> text(std::in_place, "words");
    {
        const auto access = text.lock();
        static_assert(std::is_same_v<decltype(*access), const std::string&>);
        static_assert(std::is_same_v<decltype(access.operator->()), const std::string*>);
        CHECK((*access == "words" && access->size() == 5));
        CHECK_FALSE(text.try_lock().has_value());
    }
    const auto again = text.try_lock();
    REQUIRE(again.has_value());
    CHECK(**again == "words");
}

/// What a user's class may have: a member that changes it, and one that does not.
struct Sum {
    int total = 0;
    void add(int value) { total += value; }
    [[nodiscard]] int twice() const { return 2 * total; }
};

TEST_CASE("with takes a function for any argument", "[spinlock]") {
    Guarded<Sum> sum;
    sum.with([](auto& value) { value.add(3); });
    CHECK(sum.with([](const auto& value) { return value.twice(); }) == 6);
    CHECK(std::as_const(sum).with([](auto& value) { return value.twice(); }) == 6);
}

TEST_CASE("with returns references and unlocks once", "[spinlock]") {
    Guarded<int, CountingLock> value(std::in_place, 1);
    static_assert(std::is_same_v<decltype(value.with([](int& v) -> int& { return v; })), int&>);
    value.with([](int& v) { v = 2; });
    CHECK(CountingLock::total_locked == 1);
    CHECK(CountingLock::total_unlocked == 1);
    CHECK_FALSE(value.try_lock().has_value());
    CHECK(CountingLock::total_unlocked == 1);
}

TEST_CASE("The null lock never refuses", "[spinlock]") {
    Guarded<int, NullLock> value;
    const auto first = value.try_lock();
    const auto second = value.try_lock();
    REQUIRE((first.has_value() && second.has_value()));
    CHECK(&**first == &**second);
}
