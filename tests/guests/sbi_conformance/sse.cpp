// SPDX-License-Identifier: MIT
// "Supervisor Software Events Extension": attributes, states, and the events that software injects.
#include "tests/guests/sbi_conformance/suite.hpp"

extern "C" {
void conformance_event();
extern volatile std::uint64_t conformance_event_seen[3];  // count, a6, a7
}

namespace cairn::guest::conformance {
namespace {

constexpr std::uint64_t local_event = 0xffff'0000;  // "Software injected local event"
constexpr std::uint64_t global_event = 0xffff'8000;
constexpr std::uint64_t reserved_event = 0xffff'0001;
constexpr std::uint64_t argument = 0x1122'3344'5566'7788;
enum Attribute : std::uint8_t { status, priority, config, preferred, entry_pc, entry_argument };
constexpr std::uint64_t attributes = 10;
enum State : std::uint8_t { unused, registered, enabled };

alignas(8) std::array<std::uint64_t, 16> memory;

std::uint64_t address() {
    return reinterpret_cast<std::uint64_t>(memory.data());
}

template <class... Arguments>
SbiResult sse(SbiSse function, Arguments... arguments) {
    return call(SbiExtension::sse, function, arguments...);
}

SbiResult read(std::uint64_t event, std::uint64_t base, std::uint64_t count) {
    return sse(SbiSse::read_attrs, event, base, count, address(), 0u);
}

std::uint64_t attribute(std::uint64_t event, std::uint64_t id) {
    memory.fill(0);
    if (!check_success("SSE read_attrs", "one attribute", read(event, id, 1))) return all_ones;
    return memory[0];
}

SbiResult write(std::uint64_t event, std::uint64_t id, std::uint64_t value) {
    memory[0] = value;
    return sse(SbiSse::write_attrs, event, id, 1u, address(), 0u);
}

std::uint64_t handler() {
    return reinterpret_cast<std::uint64_t>(conformance_event);
}

void check_bad_events() {
    struct {
        SbiSse function;
        std::string_view name;
    } constexpr functions[]{
        {SbiSse::register_event, "SSE register"}, {SbiSse::unregister_event, "SSE unregister"},
        {SbiSse::enable_event, "SSE enable"},     {SbiSse::disable_event, "SSE disable"},
        {SbiSse::inject, "SSE inject"},
    };
    for (const auto& [function, name] : functions)
        check_error(name, "an event that is reserved",
                    sse(function, reserved_event,
                        function == SbiSse::inject ? world.self : handler(), argument),
                    {SbiError::invalid_param});
    check_error("SSE read_attrs", "an event that is reserved", read(reserved_event, 0, 1),
                {SbiError::invalid_param});
    check_error("SSE write_attrs", "an event that is reserved", write(reserved_event, priority, 0),
                {SbiError::invalid_param});
}

void check_attributes(std::uint64_t event) {
    check_error("SSE read_attrs", "count 0", read(event, 0, 0), {SbiError::invalid_param});
    check_error("SSE read_attrs", "a reserved attribute", read(event, attributes, 1),
                {SbiError::bad_range});
    check_error("SSE read_attrs", "a range beyond the attributes", read(event, 9, 2),
                {SbiError::bad_range});
    check_error("SSE read_attrs", "a range that wraps around", read(event, 9, 0xffff'ffff),
                {SbiError::bad_range});
    check_error("SSE read_attrs", "memory that is not aligned",
                sse(SbiSse::read_attrs, event, 0u, 1u, address() + 4, 0u),
                {SbiError::invalid_address, SbiError::invalid_param, SbiError::failed});
    check_error("SSE read_attrs", "high word 1",
                sse(SbiSse::read_attrs, event, 0u, 1u, address(), 1u),
                {SbiError::invalid_address, SbiError::failed});
    check_error("SSE write_attrs", "count 0",
                sse(SbiSse::write_attrs, event, 1u, 0u, address(), 0u), {SbiError::invalid_param});
    check_error("SSE write_attrs", "a reserved attribute", write(event, attributes, 0),
                {SbiError::bad_range});
    for (const std::uint64_t id : {status, entry_pc, entry_argument})
        check_error("SSE write_attrs", "a read-only attribute", write(event, id, 0),
                    {SbiError::denied});
    check_error("SSE write_attrs", "a reserved bit of CONFIG", write(event, config, 2),
                {SbiError::invalid_param});
    check_value("SSE read_attrs", "STATUS: unused, injection allowed",
                attribute(event, status) & 0xf, 8 | unused);
    check_success("SSE write_attrs", "PRIORITY", write(event, priority, 7));
    check_value("SSE read_attrs", "PRIORITY", attribute(event, priority), 7);
    check_success("SSE write_attrs", "PRIORITY back", write(event, priority, 0));
}

void check_states(std::uint64_t event) {
    const auto expect_state = [&](std::string_view when, State state) {
        check_value("SSE STATUS", when, attribute(event, status) & 3, state);
    };
    const auto invalid_state = {SbiError::invalid_state};
    check_error("SSE enable", "unused", sse(SbiSse::enable_event, event), invalid_state);
    check_error("SSE disable", "unused", sse(SbiSse::disable_event, event), invalid_state);
    check_error("SSE unregister", "unused", sse(SbiSse::unregister_event, event), invalid_state);
    check_error("SSE register", "an odd address",
                sse(SbiSse::register_event, event, handler() + 1, argument),
                {SbiError::invalid_param});
    check_success("SSE register", "unused",
                  sse(SbiSse::register_event, event, handler(), argument));
    expect_state("registered", registered);
    check_value("SSE read_attrs", "ENTRY_PC", attribute(event, entry_pc), handler());
    check_value("SSE read_attrs", "ENTRY_ARG", attribute(event, entry_argument), argument);
    check_error("SSE register", "registered",
                sse(SbiSse::register_event, event, handler(), argument), invalid_state);
    check_error("SSE disable", "registered", sse(SbiSse::disable_event, event), invalid_state);
    check_success("SSE enable", "registered", sse(SbiSse::enable_event, event));
    expect_state("enabled", enabled);
    check_error("SSE enable", "enabled", sse(SbiSse::enable_event, event), invalid_state);
    check_error("SSE unregister", "enabled", sse(SbiSse::unregister_event, event), invalid_state);
    check_error("SSE write_attrs", "PRIORITY when enabled", write(event, priority, 1),
                invalid_state);
}

void check_injection(std::uint64_t event) {
    conformance_event_seen[0] = 0;
    check_error("SSE inject", "a hart that does not exist",
                sse(SbiSse::inject, local_event, beyond_all_harts), {SbiError::invalid_param});
    check_success("SSE inject", "masked", sse(SbiSse::inject, event, world.self));
    check_value("SSE inject", "masked: not taken", conformance_event_seen[0], 0);
    check_value("SSE STATUS", "masked: pending", attribute(event, status) >> 2 & 1, 1);
    check_success("SSE hart_unmask", "masked", sse(SbiSse::hart_unmask));
    check("SSE inject", "taken when unmasked",
          eventually([] { return conformance_event_seen[0] == 1; }, 100 * millisecond));
    check_value("SSE inject", "a6 is the hart's id", conformance_event_seen[1], world.self);
    check_value("SSE inject", "a7 is ENTRY_ARG", conformance_event_seen[2], argument);
    check_error("SSE hart_unmask", "unmasked", sse(SbiSse::hart_unmask),
                {SbiError::already_started});
    check_success("SSE inject", "unmasked", sse(SbiSse::inject, event, world.self));
    check("SSE inject", "taken at once",
          eventually([] { return conformance_event_seen[0] == 2; }, 100 * millisecond));
    check_success("SSE hart_mask", "unmasked", sse(SbiSse::hart_mask));
    check_error("SSE hart_mask", "masked", sse(SbiSse::hart_mask), {SbiError::already_stopped});
    check_success("SSE disable", "enabled", sse(SbiSse::disable_event, event));
    check_success("SSE unregister", "registered", sse(SbiSse::unregister_event, event));
    check_value("SSE STATUS", "unused again", attribute(event, status) & 3, unused);
}

}  // namespace

void check_sse() {
    if (!begin_extension(SbiExtension::sse, "SSE", 10)) return;
    check_success("SSE complete", "nothing is running", sse(SbiSse::complete));
    check_error("SSE hart_mask", "masked initially", sse(SbiSse::hart_mask),
                {SbiError::already_stopped});
    check_bad_events();
    for (const std::uint64_t event : {local_event, global_event}) {
        check_attributes(event);
        check_states(event);
        check_injection(event);
    }
}

}  // namespace cairn::guest::conformance
