// SPDX-License-Identifier: MIT
// Remote fences of many vCPUs at once, by single steps in any order: each target carries out the
// fence that was posted for it, once and before its sender goes on. doorbell_test.cpp walks all
// orders of three.
#include <rapidcheck.h>

#include <array>
#include <bit>
#include <deque>

#include "kernel/vm/vcpu/fence.hpp"
#include "tests/unit/catch.hpp"

using namespace cairn;

namespace {

constexpr std::uint32_t most_vcpus = 5;

struct Vcpu {
    FenceMail mail;
    FenceMail::Set to_ask = 0;    ///< targets of its fence that it has not asked yet
    FenceMail::Set to_serve = 0;  ///< senders that it has taken and not served
    FenceMail::Set fenced = 0;    ///< targets that have carried its fence out
    FenceMail::Set targets = 0;   ///< of its fence; none: it has none out
    std::uint64_t posted = 0;     ///< fences so far: the last one's number is its `start`
};

/// Posts; asks one target; or goes on, where all have fenced.
void step_sender(std::array<Vcpu, most_vcpus>& vcpus, std::uint32_t count, std::uint32_t who) {
    Vcpu& self = vcpus[who];
    if (self.targets == 0) {
        const auto others = ((FenceMail::Set{1} << count) - 1) & ~(FenceMail::Set{1} << who);
        self.targets = *rc::gen::inRange<FenceMail::Set>(0, 1u << count) & others;
        self.to_ask = self.targets;
        self.fenced = 0;
        self.mail.post({.kind = Fence::Kind::translations, .start = ++self.posted}, self.targets);
    } else if (self.to_ask != 0) {
        const auto target = static_cast<std::uint32_t>(std::countr_zero(self.to_ask));
        self.to_ask &= self.to_ask - 1;
        vcpus[target].mail.ask(who);
    } else {
        RC_ASSERT(self.mail.all_have_fenced() == (self.fenced == self.targets));
        if (self.mail.all_have_fenced()) self.targets = 0;
    }
}

/// Takes who asks; or serves one of them.
void step_target(std::array<Vcpu, most_vcpus>& vcpus, std::uint32_t who) {
    Vcpu& self = vcpus[who];
    if (self.to_serve == 0) {
        self.to_serve = self.mail.take();
        return;
    }
    Vcpu& sender = vcpus[static_cast<std::size_t>(std::countr_zero(self.to_serve))];
    self.to_serve &= self.to_serve - 1;
    const FenceMail::Set own = FenceMail::Set{1} << who;
    RC_ASSERT((sender.targets & own) != 0U && (sender.fenced & own) == 0U);
    RC_ASSERT(sender.mail.fence().start == sender.posted);
    sender.fenced |= own;
    sender.mail.report(who);
}

bool all_are_done(const std::array<Vcpu, most_vcpus>& vcpus) {
    for (const Vcpu& each : vcpus) {
        if (each.to_ask != 0 || !each.mail.all_have_fenced()) return false;
    }
    return true;
}

}  // namespace

TEST_CASE("no fence is lost, carried out twice or mistaken for another", "[fence_property]") {
    const bool holds = rc::check("single steps in any order", [] {
        std::array<Vcpu, most_vcpus> vcpus;
        const auto count = *rc::gen::inRange<std::uint32_t>(2, most_vcpus + 1);
        for (auto steps = *rc::gen::inRange(0, 300); steps > 0; --steps) {
            const auto who = *rc::gen::inRange<std::uint32_t>(0, count);
            if (*rc::gen::arbitrary<bool>()) {
                step_sender(vcpus, count, who);
            } else {
                step_target(vcpus, who);
            }
        }
        // What is out comes to its end, if all go on.
        for (int round = 0; round < 64 && !all_are_done(vcpus); ++round) {
            for (std::uint32_t who = 0; who < count; ++who) {
                if (vcpus[who].to_ask != 0) step_sender(vcpus, count, who);
                step_target(vcpus, who);
            }
        }
        RC_ASSERT(all_are_done(vcpus));
    });
    CHECK(holds);
}
