// SPDX-License-Identifier: MIT
#include "kernel/arch/firmware/sbi_events.hpp"

#include "kernel/exit/handle_exit.hpp"
#include "tests/unit/guest_bench.hpp"

using namespace cairn;
using namespace cairn::test;

namespace {

constexpr std::uint64_t firmware_event = 0xf'0000;
constexpr std::uint64_t set_timer_event = firmware_event | 5;
constexpr std::uint64_t cycles = 1;
constexpr std::uint64_t all = 0x7'ffff;  // cycle, instret and hpmcounter3 are the hart's: 19 in all
constexpr std::uint64_t counting_entry = 0x2000;  // of tests/fakes

const SbiResult no_shmem = sbi_error(SbiError::no_shmem);
const SbiResult already_started = sbi_error(SbiError::already_started);
const SbiResult already_stopped = sbi_error(SbiError::already_stopped);

GuestFeatures with_counters() {
    GuestFeatures features;
    features.counters.present = 0b1101;
    features.counters.number = {10, 0, 12, 13};  // the firmware's own order
    features.counters.top_bit = {63, 0, 63, 47};
    return features;
}

/// Counts cycles on the first counter it is given, and raw events on hpmcounter3.
SbiResult firmware_pmu(const FakeSbiCall& call) {
    if (static_cast<SbiPmu>(call.function) != SbiPmu::counter_config_matching) return sbi_success();
    const std::uint64_t mask = call.arguments[1] << call.arguments[0];
    if (call.arguments[3] == cycles && (mask & 1 << 10) != 0) return sbi_success(10);
    if (call.arguments[3] == 0x2'0000 && (mask & 1 << 13) != 0) return sbi_success(13);
    return not_supported;
}

class PmuBench : public GuestBench {
  public:
    explicit PmuBench(const GuestFeatures& features = with_counters(), std::uint32_t cpus = 1)
        : GuestBench(features, cpus) {
        fake_sbi_answer = firmware_pmu;
    }
    SbiResult configure(std::uint64_t base, std::uint64_t mask, std::uint64_t flags,
                        std::uint64_t event, std::uint64_t event_data = 0) {
        return call(SbiExtension::pmu, SbiPmu::counter_config_matching, base, mask, flags, event,
                    event_data);
    }
    SbiResult start(std::uint64_t base, std::uint64_t mask, std::uint64_t flags = 0,
                    std::uint64_t value = 0) {
        return call(SbiExtension::pmu, SbiPmu::counter_start, base, mask, flags, value);
    }
    SbiResult stop(std::uint64_t base, std::uint64_t mask, std::uint64_t flags = 0) {
        return call(SbiExtension::pmu, SbiPmu::counter_stop, base, mask, flags);
    }
    SbiResult read(std::uint64_t counter) {
        return call(SbiExtension::pmu, SbiPmu::counter_fw_read, counter);
    }
    SbiResult info(std::uint64_t counter) {
        return call(SbiExtension::pmu, SbiPmu::counter_get_info, counter);
    }
    SbiResult event_info(std::uint64_t low, std::uint64_t high, std::uint64_t count,
                         std::uint64_t flags = 0) {
        return call(SbiExtension::pmu, SbiPmu::event_get_info, low, high, count, flags);
    }
    SbiResult set_timer() { return call(SbiExtension::time, SbiTime::set_timer, 7); }
};

}  // namespace

TEST_CASE("counters are numbered without a hole", "[sbi_pmu]") {
    PmuBench bench;
    CHECK(bench.call(SbiExtension::pmu, SbiPmu::num_counters) == sbi_success(19));
    CHECK(bench.info(0) == sbi_success(0xc00 | 63 << 12));
    CHECK(bench.info(2) == sbi_success(0xc02 | 63 << 12));
    CHECK(bench.info(3) == sbi_success(0xc03 | 47 << 12));
    for (const std::uint64_t counter : {1u, 4u, 18u}) {
        CHECK(bench.info(counter) == sbi_success(1ull << 63 | 63 << 12));
    }
    for (const std::uint64_t counter : {19ull, 64ull, 1ull << 32, ~0ull}) {
        CHECK(bench.info(counter) == invalid_param);
        CHECK(bench.read(counter) == invalid_param);
        CHECK(bench.call(SbiExtension::pmu, SbiPmu::counter_fw_read_hi, counter) == invalid_param);
    }
    CHECK(csr_read<Csr::hcounteren>() == 0b1111);
}

TEST_CASE("without a PMU in the firmware, all counters are Cairn's", "[sbi_pmu]") {
    PmuBench bench{GuestFeatures{}};
    CHECK(bench.call(SbiExtension::pmu, SbiPmu::num_counters) == sbi_success(16));
    CHECK(bench.configure(0, 0xffff, 0, cycles) == not_supported);
    CHECK(fake_sbi_calls.empty());
    CHECK(csr_read<Csr::hcounteren>() == 0b111);
}

TEST_CASE("a firmware counter counts, keeps its value, and is set", "[sbi_pmu]") {
    PmuBench bench;
    CHECK(bench.configure(0, all, 0, set_timer_event) == sbi_success(1));
    bench.set_timer();
    CHECK(bench.read(1) == sbi_success(0));
    CHECK(bench.start(1, 1, SbiCounterStart::set_value, 100) == sbi_success());
    bench.set_timer();
    bench.set_timer();
    CHECK(bench.read(1) == sbi_success(102));
    CHECK(bench.call(SbiExtension::pmu, SbiPmu::counter_fw_read_hi, 1) == sbi_success(0));
    CHECK(bench.start(1, 1) == already_started);
    CHECK(bench.stop(1, 1) == sbi_success());
    CHECK(bench.stop(1, 1) == already_stopped);
    bench.set_timer();
    CHECK(bench.read(1) == sbi_success(102));
    CHECK(bench.start(0, 2) == sbi_success());
    bench.set_timer();
    CHECK(bench.read(1) == sbi_success(103));
    CHECK(bench.read(0) == invalid_param);  // a counter of the hart
    CHECK(bench.read(2) == invalid_param);
}

TEST_CASE("configuring clears and starts if it is told to", "[sbi_pmu]") {
    PmuBench bench;
    constexpr std::uint64_t start = SbiCounterConfig::auto_start;
    CHECK(bench.configure(0, all, start, set_timer_event) == sbi_success(1));
    bench.set_timer();
    CHECK(bench.start(1, 1) == already_started);
    CHECK(bench.stop(1, 1, SbiCounterStop::reset) == sbi_success());
    CHECK(bench.configure(0, all, start, set_timer_event) == sbi_success(1));
    bench.set_timer();
    CHECK(bench.read(1) == sbi_success(2));  // "no impact on the counter value"
    CHECK(bench.stop(1, 1, SbiCounterStop::reset) == sbi_success());
    CHECK(bench.configure(0, all, start | SbiCounterConfig::clear_value, set_timer_event) ==
          sbi_success(1));
    CHECK(bench.read(1) == sbi_success(0));
}

TEST_CASE("calls that are counted are not answered by the world switch", "[sbi_pmu]") {
    PmuBench bench;
    const std::uint64_t fast = bench.vcpu().context.exit_entry;
    CHECK(fast != counting_entry);
    for (const std::uint64_t event : {5u, 6u, 7u}) {
        CHECK(bench.configure(1, 1, 0, firmware_event | event).ok());
        CHECK(bench.vcpu().context.exit_entry == fast);
        CHECK(bench.start(1, 1).ok());
        CHECK(bench.vcpu().context.exit_entry == counting_entry);
        CHECK(bench.stop(1, 1, SbiCounterStop::reset).ok());
        CHECK(bench.vcpu().context.exit_entry == fast);
    }
    CHECK(bench.configure(1, 1, SbiCounterConfig::auto_start, firmware_event | 4).ok());
    CHECK(bench.vcpu().context.exit_entry == fast);
    CHECK(bench.configure(4, 1, SbiCounterConfig::auto_start, set_timer_event).ok());
    CHECK(bench.vcpu().context.exit_entry == counting_entry);
    bench.vcpu().reset(bench.entry, 0, with_counters());
    CHECK(bench.vcpu().context.exit_entry == fast);
}

TEST_CASE("IPIs and fences are counted where they are sent and received", "[sbi_pmu]") {
    PmuBench bench(with_counters(), 3);
    bench.run(1);  // hart 2 is stopped, and gets nothing
    for (unsigned event = 6; event <= 13; ++event) {
        for (const std::uint32_t hart : {0u, 1u}) {
            VcpuPmu& pmu = bench.vm.vcpu(hart).pmu();
            if (event == 6) pmu.reset(0b1101);
            pmu.assign(event, event);
            pmu.start(event);
        }
    }
    fake_sbi_effect = [](const FakeSbiCall&) {};
    const auto counts = [&](std::uint32_t hart) {
        std::vector<std::uint64_t> values;
        for (unsigned event = 6; event <= 13; ++event)
            values.push_back(bench.vm.vcpu(hart).pmu().value(event));
        return values;
    };
    using Counts = std::vector<std::uint64_t>;
    bench.call(SbiExtension::ipi, SbiIpi::send_ipi, 0b001, 0);
    CHECK(counts(0) == Counts{1, 1, 0, 0, 0, 0, 0, 0});
    bench.call(SbiExtension::ipi, SbiIpi::send_ipi, 0, ~0ull);
    CHECK(counts(0) == Counts{3, 2, 0, 0, 0, 0, 0, 0});
    bench.answer_on(1);
    CHECK(counts(1) == Counts{0, 1, 0, 0, 0, 0, 0, 0});
    static PmuBench* here = nullptr;
    here = &bench;
    fake_sbi_effect = [](const FakeSbiCall& call) {
        if (call.extension == SbiExtension::ipi) here->answer_on(1);
    };
    for (const auto function : {SbiRfence::remote_fence_i, SbiRfence::remote_sfence_vma,
                                SbiRfence::remote_sfence_vma_asid}) {
        bench.call(SbiExtension::rfence, function, 0, ~0ull, 0, 0, 0);
        bench.call(SbiExtension::rfence, function, 0b001, 0, 0, 0, 0);  // to itself: no request
    }
    CHECK(counts(0) == Counts{3, 2, 1, 0, 1, 0, 1, 0});
    CHECK(counts(1) == Counts{0, 1, 0, 1, 0, 1, 0, 1});
}

TEST_CASE("traps that Cairn sees are counted", "[sbi_pmu]") {
    PmuBench bench;
    const auto start = SbiCounterConfig::auto_start;
    for (const std::uint64_t event : {2u, 3u, 4u}) {
        CHECK(bench.configure(4 + event, 1, start, firmware_event | event) ==
              sbi_success(4 + event));
    }
    const auto raise = [&](Exception exception) {
        raise_in_guest(bench.vm, bench.vcpu(), exception, 0);
    };
    raise(Exception::load_access_fault);
    raise(Exception::store_access_fault);
    raise(Exception::store_access_fault);
    for (int i = 0; i < 3; ++i)
        raise(Exception::illegal_instruction);
    CHECK(bench.read(6) == sbi_success(1));
    CHECK(bench.read(7) == sbi_success(2));
    CHECK(bench.read(8) == sbi_success(3));
}

TEST_CASE("the hart's counters are the firmware's to set up", "[sbi_pmu]") {
    PmuBench bench;
    CHECK(bench.configure(0, all, SbiCounterConfig::clear_value, cycles) == sbi_success(0));
    CHECK(fake_sbi_calls ==
          std::vector<FakeSbiCall>{{SbiExtension::pmu, 2, {0, 0b1101 << 10, 0xe0, cycles, 0}},
                                   {SbiExtension::pmu, 4, {10, 1, 0}},
                                   {SbiExtension::pmu, 2, {10, 1, 0xe3, cycles, 0}}});
    CHECK(bench.start(0, 1, SbiCounterStart::set_value, 5) == sbi_success());
    CHECK(fake_sbi_calls.back() == FakeSbiCall{SbiExtension::pmu, 3, {10, 1, 1, 5}});
    CHECK(bench.start(0, 1) == already_started);
    CHECK(bench.configure(0, all, 0, cycles) == not_supported);  // it is taken
    fake_sbi_calls.clear();
    CHECK(bench.stop(0, 1, SbiCounterStop::reset) == sbi_success());  // it is as it was
    CHECK(fake_sbi_calls ==
          std::vector<FakeSbiCall>{{SbiExtension::pmu, 4, {10, 1, 1}},
                                   {SbiExtension::pmu, 2, {10, 1, 4, cycles, 0}}});
    CHECK(bench.configure(0, all, SbiCounterConfig::auto_start, 0x2'0000, 0xffff'ffff'ffff) ==
          sbi_success(3));
    CHECK(fake_sbi_calls.back() == FakeSbiCall{SbiExtension::pmu, 3, {13, 1, 0, 0}});
    fake_sbi_calls.clear();
    bench.vcpu().quiesce(bench.vm.features());  // what it uses is as it was
    CHECK(fake_sbi_calls == std::vector<FakeSbiCall>{{SbiExtension::pmu, 4, {13, 1, 1}}});
}

namespace {

/// `cycle` as OpenSBI 1.1 has it: it runs, but once it was stopped only with an event.
struct CycleCounter {
    bool runs = true;
    bool has_event = false;

    SbiResult answer(const FakeSbiCall& call) {
        const std::uint64_t flags = call.arguments[2];
        switch (static_cast<SbiPmu>(call.function)) {
            case SbiPmu::counter_config_matching:
                if (call.arguments[3] != cycles) return not_supported;
                has_event = true;
                runs |= (flags & SbiCounterConfig::auto_start) != 0;
                return sbi_success(10);
            case SbiPmu::counter_start:
                if (!has_event || is_stuck) return invalid_param;
                runs = true;
                return sbi_success();
            case SbiPmu::counter_stop:
                if (!has_event) return invalid_param;
                runs = false;
                has_event = (flags & SbiCounterStop::reset) == 0;
                return sbi_success();
            default: return not_supported;
        }
    }
    bool is_stuck = false;  ///< nothing starts it
};
CycleCounter cycle_counter;

struct CycleBench : PmuBench {
    CycleBench() {
        cycle_counter = {};
        fake_sbi_answer = [](const FakeSbiCall& call) { return cycle_counter.answer(call); };
    }
};

}  // namespace

TEST_CASE("cycle runs again for others when a guest gives it back", "[sbi_pmu]") {
    CycleBench bench;
    CHECK(bench.configure(0, 1, 0, cycles) == sbi_success(0));
    CHECK(!cycle_counter.runs);
    CHECK(bench.start(0, 1) == sbi_success());
    CHECK(bench.stop(0, 1) == sbi_success());
    CHECK(!cycle_counter.runs);
    CHECK(bench.stop(0, 1, SbiCounterStop::reset) == already_stopped);
    CHECK(cycle_counter.runs);
    CHECK(bench.start(0, 1) == invalid_param);
}

TEST_CASE("a counter whose configuration fails has no event any more", "[sbi_pmu]") {
    CycleBench bench;
    CHECK(bench.configure(0, 1, 0, cycles) == sbi_success(0));
    CHECK(bench.configure(0, 1, 0, 0x2'0000) == not_supported);
    CHECK(cycle_counter.runs);
    CHECK(bench.start(0, 1) == invalid_param);
    cycle_counter.is_stuck = true;
    CHECK(bench.configure(0, 1, SbiCounterConfig::auto_start, cycles) ==
          sbi_error(SbiError::failed));
    CHECK(cycle_counter.runs);
    CHECK(bench.start(0, 1) == invalid_param);
}

TEST_CASE("a started hardware counter that the firmware refuses is not started", "[sbi_pmu]") {
    PmuBench bench;
    CHECK(bench.configure(0, all, 0, cycles) == sbi_success(0));
    fake_sbi_answer = [](const FakeSbiCall&) { return invalid_param; };
    CHECK(bench.start(0, 1) == sbi_error(SbiError::failed));
    fake_sbi_answer = firmware_pmu;
    CHECK(bench.start(0, 1) == sbi_success());
}

TEST_CASE("sets of counters and flags are checked", "[sbi_pmu]") {
    PmuBench bench;
    for (const auto& [base, mask] : {std::pair{0ull, 0ull},
                                     {0ull, all + 1},
                                     {19ull, 1ull},
                                     {18ull, 3ull},
                                     {1ull, 1ull << 63},
                                     {~0ull, 1ull}}) {
        CHECK(bench.configure(base, mask, 0, set_timer_event) == invalid_param);
        CHECK(bench.start(base, mask) == invalid_param);
        CHECK(bench.stop(base, mask) == invalid_param);
    }
    CHECK(bench.configure(0, all, 256, set_timer_event) == invalid_param);
    CHECK(bench.configure(0, all, 1ull << 63, set_timer_event) == invalid_param);
    CHECK(bench.start(1, 1, 4) == invalid_param);
    CHECK(bench.stop(1, 1, 4) == invalid_param);
    CHECK(bench.start(1, 1, 1ull << 63) == invalid_param);
    CHECK(bench.stop(1, 1, 1ull << 63) == invalid_param);
    CHECK(bench.start(1, 1, SbiCounterStart::from_snapshot) == no_shmem);
    CHECK(bench.stop(1, 1, SbiCounterStop::take_snapshot) == no_shmem);
    CHECK(bench.start(1, 1) == invalid_param);  // it has no event
    CHECK(bench.stop(1, 1) == already_stopped);
    CHECK(fake_sbi_calls.empty());
}

TEST_CASE("what is right of a set is done, whatever is wrong with the rest", "[sbi_pmu]") {
    PmuBench bench;
    CHECK(bench.configure(1, 1, SbiCounterConfig::auto_start, set_timer_event).ok());
    CHECK(bench.configure(4, 1, 0, set_timer_event).ok());
    CHECK(bench.start(1, 0b1001) == already_started);
    bench.set_timer();
    CHECK(bench.read(4) == sbi_success(1));
    CHECK(bench.stop(4, 1).ok());
    CHECK(bench.stop(1, 0b1001) == already_stopped);
    bench.set_timer();
    CHECK(bench.read(1) == sbi_success(1));
}

TEST_CASE("events that nothing can count are not supported", "[sbi_pmu]") {
    PmuBench bench;
    const std::vector<std::uint64_t> odd{0,
                                         firmware_event | 14,
                                         firmware_event | 22,
                                         firmware_event | 256,
                                         firmware_event | 65535,
                                         0x4'0000,
                                         0xe'0001,
                                         0x2'0001,
                                         0x3'0001,
                                         set_timer_event | 1 << 20,
                                         set_timer_event | 1ull << 63,
                                         cycles | 1ull << 32};
    for (const std::uint64_t event : odd) {
        CHECK(bench.configure(0, all, 0, event) == not_supported);
    }
    CHECK(bench.configure(0, all, 0, set_timer_event, 1) == not_supported);
    CHECK(bench.configure(0, all, 0, cycles, 1) == not_supported);
    CHECK(bench.configure(0, all, 0, 0x2'0000, 1ull << 48) == not_supported);
    CHECK(bench.configure(0, all, 0, 0x3'0000, 1ull << 56) == not_supported);
    CHECK(fake_sbi_calls.empty());  // none of them was the machine's to judge
    CHECK(bench.configure(0, 0b1101, 0, set_timer_event) == not_supported);  // not these counters
    CHECK(bench.configure(1, 1, 0, cycles) == not_supported);
    CHECK(bench.configure(0, all, 0, 0x1'0009) == not_supported);  // the firmware's word
    CHECK(bench.call(SbiExtension::pmu, 9) == not_supported);
    CHECK(bench.call(SbiExtension::pmu, SbiPmu::snapshot_set_shmem, bench.ram_base, 0, 0) ==
          not_supported);
}

TEST_CASE("skipping the match takes the first counter of the set", "[sbi_pmu]") {
    PmuBench bench;
    constexpr std::uint64_t skip = SbiCounterConfig::skip_match;
    CHECK(bench.configure(5, 0b110, skip, set_timer_event) == sbi_success(6));
    CHECK(bench.configure(5, 0b110, skip, firmware_event | 4) == sbi_success(6));
    CHECK(bench.configure(0, all, skip, set_timer_event) == not_supported);  // cycle cannot
    CHECK(bench.configure(0, 1, skip, cycles) == sbi_success(0));
    CHECK(bench.start(6, 1).ok());
    CHECK(bench.configure(6, 1, skip, set_timer_event) == not_supported);
}

TEST_CASE("event_get_info tells what can be counted", "[sbi_pmu]") {
    PmuBench bench;
    const std::vector<std::pair<std::uint64_t, std::uint64_t>> events{
        {set_timer_event, 0}, {cycles, 0}, {firmware_event | 14, 0}, {0x1'0009, 0},
        {0x2'0000, 7},        {0, 0},      {set_timer_event, 1}};
    std::uint64_t at = bench.ram_base + 0x100;
    for (const auto& [event, data] : events) {
        REQUIRE(bench.vm.memory().store(GuestPhys{at}, static_cast<std::uint32_t>(event)));
        REQUIRE(bench.vm.memory().store<std::uint32_t>(GuestPhys{at + 4}, 0xffff'ffff));
        REQUIRE(bench.vm.memory().store<std::uint64_t>(GuestPhys{at + 8}, data));
        at += 16;
    }
    const std::uint64_t table = bench.ram_base + 0x100;
    CHECK(bench.event_info(table, 0, events.size()) == sbi_success());
    const std::vector<std::uint32_t> expected{1, 1, 0, 0, 1, 0, 0};
    for (std::size_t index = 0; index < expected.size(); ++index) {
        CHECK(*bench.vm.memory().load<std::uint32_t>(GuestPhys{table + index * 16 + 4}) ==
              expected[index]);
    }
    CHECK(bench.configure(0, 1, 0, cycles) == sbi_success(0));  // none is left in use
    CHECK(bench.event_info(table, 0, 0) == sbi_success());
    CHECK(bench.event_info(table + 8, 0, 1) == invalid_param);
    CHECK(bench.event_info(table, 0, 1, 1) == invalid_param);
    CHECK(bench.event_info(table, 1, 1) == invalid_address);
    CHECK(bench.event_info(bench.ram_end, 0, 1) == invalid_address);
    CHECK(bench.event_info(table, 0, 1ull << 60) == invalid_address);
    CHECK(bench.event_info(table, 0, ~0ull) == invalid_address);
    CHECK(bench.event_info(bench.ram_base, 0, bench.ram_size / 16 + 1) == invalid_address);
    REQUIRE(bench.vm.memory().store<std::uint32_t>(GuestPhys{table}, 1u << 20 | 1));
    CHECK(bench.event_info(table, 0, 1) == invalid_param);
}

namespace {

constexpr std::uint64_t long_table = GuestBench::ram_base + 0x400;

/// Puts `count` events into the table, every fourth of which cannot be counted.
void place_events(PmuBench& bench, std::uint64_t count) {
    for (std::uint64_t n = 0; n < count; ++n) {
        const std::uint64_t at = long_table + 16 * n;
        REQUIRE(bench.vm.memory().store<std::uint32_t>(
            GuestPhys{at}, static_cast<std::uint32_t>(n % 4 == 3 ? 0 : cycles)));
        REQUIRE(bench.vm.memory().store<std::uint32_t>(GuestPhys{at + 4}, 0xffff'ffff));
        REQUIRE(bench.vm.memory().store<std::uint64_t>(GuestPhys{at + 8}, 0));
    }
}
std::uint32_t output(PmuBench& bench, std::uint64_t n) {
    return *bench.vm.memory().load<std::uint32_t>(GuestPhys{long_table + 16 * n + 4});
}

}  // namespace

TEST_CASE("event_get_info answers a long table in several exits", "[sbi_pmu]") {
    for (const std::uint64_t count : {1u, 7u, 8u, 9u, 128u, 400u}) {
        PmuBench bench;
        place_events(bench, count);
        const std::uint64_t extension = static_cast<std::uint64_t>(SbiExtension::pmu);
        std::uint64_t high = 0;
        std::uint64_t exits = 0;
        for (bool again = true; again; ++exits) {  // as the guest's hart does, at one pc
            bench.pc() = bench.entry;
            fake_sbi_calls.clear();
            const SbiResult result =
                bench.ecall(extension, static_cast<std::uint64_t>(SbiPmu::event_get_info),
                            long_table, high, count, 0);
            CHECK(fake_sbi_calls.size() <= 8 * 4);
            again = bench.pc() == bench.entry;
            if (!again) CHECK(result == sbi_success());
            if (again)
                CHECK(static_cast<std::uint64_t>(result.error) == long_table);  // a0 as it was
            high = result.value;
        }
        CHECK(exits == (count + 7) / 8);
        for (std::uint64_t n = 0; n < count; ++n)
            CHECK(output(bench, n) == (n % 4 == 3 ? 0 : 1));
    }
}

TEST_CASE("event_get_info goes on only within the table", "[sbi_pmu]") {
    PmuBench bench;
    place_events(bench, 20);
    constexpr std::uint64_t tag = 0x4341'4952ull << 32;
    CHECK(bench.event_info(long_table, tag | 19, 20) == sbi_success());
    CHECK(output(bench, 18) == 0xffff'ffff);
    CHECK(output(bench, 19) == 0);
    for (const std::uint64_t high : {tag | 20, tag | 0xffff'ffff, tag + (std::uint64_t{1} << 32),
                                     std::uint64_t{1}, ~std::uint64_t{0}})
        CHECK(bench.event_info(long_table, high, 20) == invalid_address);
    CHECK(bench.event_info(long_table, tag, 0) == invalid_address);
    CHECK(bench.event_info(bench.ram_end - 16, tag | 1, 2) == invalid_address);
}
