// SPDX-License-Identifier: MIT
// All interleavings of a few actors, whose steps are the accesses of SteppedAtomic: real code, of
// which a test says what is atomic. Each actor has a stack of its own on the test's thread, and is
// left where it may be overtaken. Every schedule is played from the beginning.
#pragma once

#include <ucontext.h>

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

namespace cairn::test {

class Interleavings {
  public:
    using Actors = std::vector<std::function<void()>>;

    /// Plays what `begin` makes, in every order; `end` is called behind each, and says whether to
    /// go on. Returns how many were played.
    static std::size_t walk(const std::function<Actors()>& begin,
                            const std::function<bool()>& end) {
        std::vector<Choice> schedule;
        std::vector<std::unique_ptr<Actor>> actors;
        std::size_t played = 0;
        bool goes_on = true;
        while (goes_on) {
            play(schedule, actors, begin());
            ++played;
            goes_on = end() && go_back(schedule);
        }
        return played;
    }

    /// The actor at hand may be overtaken here. Nothing outside of a walk.
    static void step() {
        if (self != nullptr) swapcontext(&self->here, &player);
    }

  private:
    struct Actor {
        ucontext_t here{};
        std::function<void()> act;
        bool is_done = false;
        std::array<std::byte, std::size_t{256} << 10> stack;
    };
    struct Choice {
        std::size_t taken, count;  ///< which of so many actors that can step
    };

    static void play(std::vector<Choice>& schedule, std::vector<std::unique_ptr<Actor>>& actors,
                     Actors acts) {
        while (actors.size() < acts.size())
            actors.push_back(std::make_unique<Actor>());
        for (std::size_t n = 0; n < acts.size(); ++n)
            prepare(*actors[n], std::move(acts[n]));
        for (std::size_t depth = 0;; ++depth) {
            std::vector<Actor*> able;
            for (const auto& actor : actors)
                if (!actor->is_done) able.push_back(actor.get());
            if (able.empty()) return;
            if (depth == schedule.size()) schedule.push_back({0, able.size()});
            self = able[schedule[depth].taken];
            swapcontext(&player, &self->here);
            self = nullptr;
        }
    }
    static void prepare(Actor& actor, std::function<void()> act) {
        actor.act = std::move(act);
        actor.is_done = false;
        getcontext(&actor.here);
        actor.here.uc_stack.ss_sp = actor.stack.data();
        actor.here.uc_stack.ss_size = actor.stack.size();
        actor.here.uc_link = &player;
        makecontext(&actor.here, begin_actor, 0);
    }
    static void begin_actor() {
        self->act();
        self->is_done = true;
    }
    /// The next schedule, by depth first.
    static bool go_back(std::vector<Choice>& schedule) {
        while (!schedule.empty() && ++schedule.back().taken == schedule.back().count)
            schedule.pop_back();
        return !schedule.empty();
    }

    static inline Actor* self = nullptr;  ///< who runs
    static inline ucontext_t player{};
};

/// In place of std::atomic: whoever accesses it may be overtaken before.
template <class T>
class SteppedAtomic {
  public:
    SteppedAtomic(T value) : value_(value) {}  // NOLINT: as std::atomic's

    T load(std::memory_order = std::memory_order_seq_cst) const { return stepped(); }
    void store(T value, std::memory_order = std::memory_order_seq_cst) { stepped() = value; }
    T fetch_or(T bits) {
        T& now = stepped();
        return std::exchange(now, now | bits);
    }
    T fetch_and(T bits) {
        T& now = stepped();
        return std::exchange(now, now & bits);
    }
    T fetch_add(T more, std::memory_order = std::memory_order_seq_cst) {
        T& now = stepped();
        return std::exchange(now, now + more);
    }
    T fetch_sub(T less, std::memory_order = std::memory_order_seq_cst) {
        T& now = stepped();
        return std::exchange(now, now - less);
    }
    bool compare_exchange_weak(T& expected, T value) {
        T& now = stepped();
        if (now != expected) {
            expected = now;
            return false;
        }
        now = value;
        return true;
    }

  private:
    T& stepped() const {
        Interleavings::step();
        return value_;
    }
    mutable T value_;
};

}  // namespace cairn::test
