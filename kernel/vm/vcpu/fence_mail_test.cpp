// SPDX-License-Identifier: MIT
// Fences of vCPUs that are put away and loaded again, all interleavings: every schedule of a sender
// that fences twice and a target that comes and goes is played on the real FenceMail, step by step.
// What the sender stores is a number that grows; the target has seen it when it has fenced.
#include <optional>
#include <span>
#include <vector>

#include "kernel/vm/vcpu/fence.hpp"
#include "tests/unit/catch.hpp"

using namespace cairn;

namespace {

/// What the target does, in its own order. Each is several steps.
enum class Deed : std::uint8_t { answer, go_away, come_back };

/// How the sender treats a target that is away: as it is right, or without taking its letter back.
enum class Sender : std::uint8_t { withdraws, forgets };

constexpr std::uint32_t sender_number = 0;
constexpr std::uint32_t target_number = 1;
constexpr FenceMail::Set target_set = FenceMail::Set{1} << target_number;

struct Play {
    Play(Sender how, std::span<const Deed> script) : sender(how), deeds(script) {}

    /// False where it waits and nothing has changed, or has done all.
    bool step_sender() {
        switch (sender_step) {
            case 0:
                if (stored == 2) return false;
                ++stored;
                break;
            case 1:
                if ((loaded & target_set) == 0) return done();
                break;
            case 2: sent.post({.start = stored * 0x1000}, target_set); break;
            case 3:
                mail.ask(sender_number);
                bell = true;
                break;
            default: return step_waiting();
        }
        ++sender_step;
        return true;
    }
    bool step_waiting() {
        if (sent.all_have_fenced()) return done();
        if ((sent.awaited() & ~loaded) == 0) return false;
        if (sender == Sender::withdraws && !mail.withdraw(sender_number)) return false;
        sent.report(target_number);
        return true;
    }
    bool done() {
        if (is_loaded && seen < stored) ++lost;
        sender_step = 0;
        return true;
    }

    /// After its script it answers whenever its bell has been rung.
    bool step_target() {
        const bool scripted = deed < deeds.size();
        if (!scripted && target_step == 0 && !(is_loaded && bell)) return false;
        if (step_deed(scripted ? deeds[deed] : Deed::answer)) {
            ++target_step;
        } else {
            target_step = 0;
            if (scripted) ++deed;
        }
        return true;
    }
    /// One step; whether the deed has more.
    bool step_deed(Deed which) {
        if (which == Deed::go_away) {
            loaded = 0;
            is_loaded = false;
            return false;
        }
        const bool coming = which == Deed::come_back;
        switch (target_step) {
            case 0:
                if (coming) loaded = target_set;
                return true;
            case 1:
                bell = false;
                letter = mail.take();
                return true;
            case 2:
                if (!coming && letter != 0) check_letter();
                if (coming || letter != 0) seen = stored;
                return true;
            default:
                if (letter != 0) sent.report(target_number);
                if (coming) is_loaded = true;
                return false;
        }
    }
    /// What it is asked for is not changed under its eyes.
    void check_letter() {
        if (sent.fence().start != stored * 0x1000) ++lost;
    }

    Sender sender;
    std::span<const Deed> deeds;
    FenceMail sent;  ///< the sender's
    FenceMail mail;  ///< the target's
    FenceMail::Set loaded = target_set;
    bool is_loaded = true;  ///< and its guest can run
    bool bell = false;
    std::uint64_t stored = 0;
    std::uint64_t seen = 0;
    FenceMail::Set letter = 0;
    unsigned sender_step = 0;
    unsigned target_step = 0;
    std::size_t deed = 0;
    unsigned lost = 0;
};

struct Outcome {
    unsigned schedules = 0;
    unsigned lost = 0;
    unsigned endless = 0;
};

bool step(Play& play, unsigned actor) {
    return actor == 0 ? play.step_sender() : play.step_target();
}

/// Plays `schedule`, then everything that can follow it.
void explore(Sender sender, std::span<const Deed> deeds, std::vector<unsigned>& schedule,
             Outcome& outcome) {
    bool ended = true;
    for (unsigned actor = 0; actor < 2; ++actor) {
        Play play(sender, deeds);
        for (const unsigned earlier : schedule)
            step(play, earlier);
        if (!step(play, actor)) continue;
        ended = false;
        schedule.push_back(actor);
        explore(sender, deeds, schedule, outcome);
        schedule.pop_back();
    }
    if (!ended) return;
    Play play(sender, deeds);
    for (const unsigned earlier : schedule)
        step(play, earlier);
    ++outcome.schedules;
    outcome.lost += play.lost;
    if (play.stored != 2 || play.sender_step != 0) ++outcome.endless;
}

Outcome explore(Sender sender, std::vector<Deed> deeds) {
    Outcome outcome;
    std::vector<unsigned> schedule;
    explore(sender, deeds, schedule, outcome);
    return outcome;
}

using enum Deed;
const std::vector<std::vector<Deed>> lives{
    {answer, answer},
    {go_away},
    {go_away, come_back, answer},
    {answer, go_away, come_back},
    {go_away, come_back, go_away},
    {answer, go_away},
};

}  // namespace

TEST_CASE("no interleaving of fences and loads leaves the guest with what it should have forgotten",
          "[fence_mail]") {
    for (const auto& life : lives) {
        const Outcome outcome = explore(Sender::withdraws, life);
        CHECK(outcome.schedules >= 5);
        CHECK(outcome.lost == 0);
        CHECK(outcome.endless == 0);
    }
}

TEST_CASE("a letter that is not taken back would answer for the next one", "[fence_mail]") {
    unsigned lost = 0;
    for (const auto& life : lives)
        lost += explore(Sender::forgets, life).lost;
    CHECK(lost > 0);
}
