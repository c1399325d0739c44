// SPDX-License-Identifier: MIT
// The wake-up protocol, all interleavings: every schedule of two harts that ask and one that
// answers is played on the real Doorbell and FenceMail, step by step.
#include "kernel/vm/vcpu/doorbell.hpp"
#include "kernel/vm/vcpu/fence.hpp"

#include <array>
#include <bit>
#include <vector>

#include "tests/unit/catch.hpp"

using namespace cairn;

namespace {

/// How the hart answers: as C++ does; in the wrong order; or as the world switch does (fast_ring),
/// which serves one kind of request alone and leaves everything else to C++, with and without
/// asking again for what it took meanwhile.
enum class Order : std::uint8_t { clear_first, take_first, quick, quick_and_forgetful };

/// Two askers and the hart that answers; each call of a member is one atomic step.
struct Play {
    explicit Play(Order answering) : order(answering) {}

    /// Store what is wanted; ring; interrupt if that is one's part. False when it has done all.
    bool step_asker(std::size_t who) {
        Asker& asker = askers[who];
        switch (asker.next++) {
            case 0:
                if (is_quick() && who == 0) return true;  // which asks for an IPI
                asker.mail.post({.start = who}, FenceMail::Set{1} << answerer);
                mail.ask(static_cast<std::uint32_t>(who));
                return true;
            case 1: asker.interrupts = bell.ring(1u << who); return true;
            case 2: interrupt = interrupt || asker.interrupts; return true;
            default: return false;
        }
    }
    /// Clear the interrupt; take the requests; do what they say. Between rounds it sleeps, unless
    /// it waits awake for something of its own (`awake`) and looks at its bell.
    bool step_answerer(bool awake) {
        if (round == 0 && !interrupt && !in_exit && !(awake && bell.asked() != 0)) return false;
        if (round == 0 && is_quick() && !awake && !in_exit &&
            bell.asked() == Request::software_interrupt) {
            round = first_quick_round;
            return true;
        }
        if (round >= first_quick_round) return step_quick_answerer();
        in_exit = false;
        const bool clear = (round == 0) == (order != Order::take_first);
        switch (round) {
            case 0:
            case 1:
                if (clear) {
                    interrupt = false;
                } else {
                    taken |= bell.answer();
                }
                ++round;
                return true;
            default:
                serve_fences();
                round = 0;
                return true;
        }
    }
    bool step_quick_answerer() {
        switch (round++ - first_quick_round) {
            case 0: interrupt = false; return true;
            case 1:
                found = bell.answer();
                if (found != Request::software_interrupt) return true;
                taken |= found;
                round = 0;
                return true;
            default:
                if (order == Order::quick) (void)bell.ring(found);
                round = 0;
                in_exit = true;
                return true;
        }
    }
    [[nodiscard]] bool is_quick() const {
        return order == Order::quick || order == Order::quick_and_forgetful;
    }
    [[nodiscard]] bool everybody_is_served() const {
        return taken == 3 && askers[0].mail.all_have_fenced() && askers[1].mail.all_have_fenced();
    }
    void serve_fences() {
        for (FenceMail::Set senders = mail.take(); senders != 0; senders &= senders - 1) {
            const auto sender = static_cast<std::size_t>(std::countr_zero(senders));
            REQUIRE(askers[sender].mail.fence() == Fence{.start = sender});
            askers[sender].mail.report(answerer);
        }
    }

    struct Asker {
        unsigned next = 0;
        FenceMail mail;
        bool interrupts = false;
    };
    Order order;
    Doorbell bell;
    static constexpr std::uint32_t answerer = 2;
    FenceMail mail;  ///< the answerer's
    std::array<Asker, 2> askers{};
    unsigned round = 0;
    std::uint32_t taken = 0;
    bool interrupt = false;
    static constexpr unsigned first_quick_round = 10;
    std::uint32_t found = 0;
    bool in_exit = false;  ///< the quick way goes on to C++, whether there is an interrupt or not
};

/// Who steps: asker 0 or 1, the answerer asleep (2) or awake (3).
constexpr unsigned actors = 4;

bool step(Play& play, unsigned actor) {
    return actor < 2 ? play.step_asker(actor) : play.step_answerer(actor == 3);
}

struct Outcome {
    unsigned schedules = 0;
    unsigned lost = 0;
};

/// Plays `schedule`, then everything that can follow it.
void explore(Order order, std::vector<unsigned>& schedule, Outcome& outcome) {
    for (unsigned actor = 0; actor < actors; ++actor) {
        Play play(order);
        for (const unsigned earlier : schedule)
            step(play, earlier);
        if (!step(play, actor)) continue;
        schedule.push_back(actor);
        if (play.askers[0].next >= 3 && play.askers[1].next >= 3) {
            while (step(play, 2)) {  // from here on only interrupts wake it
            }
            ++outcome.schedules;
            if (!play.everybody_is_served()) ++outcome.lost;
        } else {
            explore(order, schedule, outcome);
        }
        schedule.pop_back();
    }
}

Outcome explore(Order order) {
    Outcome outcome;
    std::vector<unsigned> schedule;
    explore(order, schedule, outcome);
    return outcome;
}

}  // namespace

TEST_CASE("no interleaving loses a wake-up, a request or a fence", "[doorbell]") {
    const Outcome outcome = explore(Order::clear_first);
    CHECK(outcome.schedules > 100);
    CHECK(outcome.lost == 0);
}

TEST_CASE("taking requests before clearing the interrupt would lose some", "[doorbell]") {
    CHECK(explore(Order::take_first).lost > 0);
}

TEST_CASE("the world switch's quick answer loses nothing either", "[doorbell]") {
    const Outcome outcome = explore(Order::quick);
    CHECK(outcome.schedules > 100);
    CHECK(outcome.lost == 0);
    CHECK(explore(Order::quick_and_forgetful).lost > 0);
}

TEST_CASE("only who finds the bell silent interrupts", "[doorbell]") {
    Doorbell bell;
    CHECK(bell.asked() == 0);
    CHECK(bell.ring(Request::fence));
    CHECK_FALSE(bell.ring(Request::look));
    CHECK(bell.asked() == (Request::fence | Request::look));
    CHECK(bell.answer() == (Request::fence | Request::look));
    CHECK(bell.answer() == 0);
    CHECK(bell.ring(Request::fence));
}
