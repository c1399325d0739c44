// SPDX-License-Identifier: MIT
// A VM is paused and goes on while vCPUs come and go, in all interleavings. What counts is what the
// guest sees of time: it never goes back, and is the same for all vCPUs.
#include "kernel/vm/presence.hpp"

#include <array>
#include <optional>

#include "tests/unit/catch.hpp"
#include "tests/unit/interleavings.hpp"

using namespace cairn;
using namespace cairn::test;

namespace {

/// How it is done: as kernel/vm/ and kernel/sched/ do; or in another order, which the walk finds.
enum class Order : std::uint8_t { right, notes_after_leaving, reads_before_pausing, lag_first };

struct Play {
    explicit Play(Order as) : order(as) {}

    /// The machine's time goes on by each look at it.
    std::uint64_t now() { return ++time; }

    /// Its guest looks at the time. The machine's may have gone on since the lag was taken.
    void see(std::uint64_t lag) {
        const std::uint64_t guest_time = now() - lag;
        if (guest_time <= seen) went_back = true;
        seen = std::max(seen, guest_time);
    }

    /// What kernel/sched/hart_loop.cpp does with vCPU `number`: it comes to a hart, its guest runs,
    /// and it is put away.
    void run(std::uint32_t number) {
        if (presence.is_paused()) return;
        const std::uint64_t early = order == Order::lag_first ? presence.lag() : 0;
        const std::uint64_t arrived = presence.arrive(number);
        const std::uint64_t lag = order == Order::lag_first ? early : arrived;
        if (!presence.is_paused()) {
            see(lag);
            Interleavings::step();
            see(lag);
        }
        const bool notes = presence.is_paused();
        was_here = was_here || notes;
        if (notes && order != Order::notes_after_leaving) presence.note(now());
        presence.leave(number);
        if (notes && order == Order::notes_after_leaving) presence.note(now());
    }

    /// What kernel/manager/vm_table.cpp does for `pause` and `resume`, typed at once.
    void pause_and_resume() {
        const std::uint64_t early = now();
        presence.begin_pause();
        presence.note(order == Order::reads_before_pausing ? early : now());
        time += 100;
        resumed = presence.end_pause(now());
    }

    Order order;
    Presence<SteppedAtomic> presence;
    std::uint64_t time = 1000, seen = 0;
    bool went_back = false;
    bool was_here = false;  ///< in the pause: the guest's time goes on until it has left
    bool resumed = false;
};

struct Outcome {
    std::size_t schedules = 0;
    unsigned wrong = 0;
    unsigned resumed = 0;
};

Outcome walk(Order order, std::uint32_t vcpus) {
    Outcome outcome;
    std::optional<Play> play;
    outcome.schedules = Interleavings::walk(
        [&]() -> Interleavings::Actors {
            play.emplace(order);
            Interleavings::Actors actors{[&] { play->pause_and_resume(); }};
            for (std::uint32_t number = 0; number < vcpus; ++number)
                actors.emplace_back([&, number] { play->run(number); });
            return actors;
        },
        [&] {
            Play& now = *play;
            if (now.resumed) ++outcome.resumed;
            if (!now.resumed && !now.presence.end_pause(now.now())) ++outcome.wrong;
            const std::uint64_t before = now.seen;
            now.run(0);  // all is over: it goes on
            if (now.went_back || now.presence.is_paused() || now.presence.loaded() != 0)
                ++outcome.wrong;
            // The pause took 100, of which the guest sees nothing, unless it was in a hart
            // meanwhile.
            if (!now.was_here && (before == 0 ? now.presence.lag() < 100 : now.seen > before + 20))
                ++outcome.wrong;
            return order == Order::right || outcome.wrong == 0;
        });
    return outcome;
}

}  // namespace

TEST_CASE("no interleaving of a pause turns the guest's time back", "[presence]") {
    const Outcome outcome = walk(Order::right, 1);
    CHECK(outcome.schedules > 1000);
    CHECK(outcome.resumed > 10);
    CHECK(outcome.resumed < outcome.schedules);
    CHECK(outcome.wrong == 0);
}

TEST_CASE("in another order some would", "[presence]") {
    CHECK(walk(Order::notes_after_leaving, 1).wrong > 0);
    CHECK(walk(Order::reads_before_pausing, 1).wrong > 0);
    CHECK(walk(Order::lag_first, 1).wrong > 0);
}

TEST_CASE("a pause is as long as nobody runs, and starts anew with the VM", "[presence]") {
    Presence presence;
    presence.begin_pause();
    presence.note(100);
    CHECK(presence.is_paused());
    presence.arrive(3);
    CHECK(presence.loaded() == 8);
    CHECK_FALSE(presence.end_pause(200));
    CHECK(presence.is_paused());
    CHECK(presence.lag() == 0);
    presence.note(150);
    presence.note(120);
    presence.leave(3);
    CHECK(presence.end_pause(200));
    CHECK_FALSE(presence.is_paused());
    CHECK(presence.lag() == 50);
    presence.begin_pause();
    presence.note(300);
    CHECK(presence.end_pause(290));  // which was read before
    CHECK(presence.lag() == 50);
    presence.begin_pause();
    presence.note(400);
    presence.reset(true);
    CHECK(presence.is_paused());
    CHECK(presence.lag() == 0);
    CHECK(presence.end_pause(450));
    CHECK(presence.lag() == 50);  // the time stood still meanwhile
    presence.reset(true);
    CHECK_FALSE(presence.is_paused());
    presence.begin_pause();
    presence.reset(false);
    CHECK_FALSE(presence.is_paused());
}
