// SPDX-License-Identifier: MIT
// Compiled: small. It runs for people.
// The command that shows VMs' network interfaces, the machine's own among them, and what became of
// their frames.
#include <cairn/print.hpp>
#include "kernel/manager/commands/command_rows.hpp"

namespace cairn {
namespace {

constexpr std::uint8_t name_width = 14;

constexpr std::array<Column, 8> interface_columns{{{"vm", Look::text, name_width},
                                                   {"number", Look::number, 3, "net"},
                                                   {"network", Look::text, 12},
                                                   {"address", Look::text, 17},
                                                   {"isolated", Look::flag, 8},
                                                   {"stuck", Look::flag, 5},
                                                   {"rate", Look::size, 9},
                                                   {"held_back", Look::number, 9, "held back"}}};
constexpr RecordKind interface_kind{"interface", Arrangement::table, interface_columns};

constexpr std::array<Column, 9> traffic_columns{{{"vm", Look::text, name_width},
                                                 {"number", Look::number, 3, "net"},
                                                 {"sent", Look::number, 8},
                                                 {"sent_bytes", Look::size, 9, "bytes"},
                                                 {"received", Look::number, 8},
                                                 {"received_bytes", Look::size, 9, "bytes"},
                                                 {"lost", Look::number, 7},
                                                 {"missed", Look::number, 7},
                                                 {"unwanted", Look::number, 8}}};
constexpr RecordKind traffic_kind{"traffic", Arrangement::table, traffic_columns};

constexpr std::array<Column, 5> loss_columns{{{"vm", Look::text, name_width},
                                              {"number", Look::number, 3, "net"},
                                              {"frames", Look::number, 9},
                                              {"side", Look::text, 6},
                                              {"reason"}}};
constexpr RecordKind loss_kind{"loss", Arrangement::table, loss_columns};

constexpr std::array<Column, 3> learned_columns{
    {{"vm", Look::text, name_width}, {"number", Look::number, 3, "net"}, {"learned"}}};
constexpr RecordKind learned_kind{"learned", Arrangement::table, learned_columns};

/// One interface at one moment; the uplink has neither VM nor number.
struct Interface {
    std::optional<std::string_view> vm;
    std::optional<std::uint32_t> number;
    std::string_view network;
    const SwitchPort::Settings& settings;
    VirtualSwitch::Report report;
    VirtioNet::Losses losses;
};

void show_settings(const Interface& of, Answer& answer) {
    FixedBuffer<24> address;
    print(address, "{}", of.settings.address);
    std::optional<std::uint64_t> rate;
    if (of.settings.rate != 0) rate = of.settings.rate;
    answer.show(interface_kind,
                {of.vm, of.number, of.network, address.view(),
                 static_cast<unsigned>(of.settings.is_isolated),
                 static_cast<unsigned>(of.report.is_stuck), rate, of.report.counts.held_back});
}

void show_traffic(const Interface& of, Answer& answer) {
    const SwitchPort::Counts& counts = of.report.counts;
    answer.show(traffic_kind, {of.vm, of.number, counts.sent, counts.sent_bytes, counts.received,
                               counts.received_bytes, counts.lost() + of.losses.malformed,
                               counts.missed(), counts.unwanted});
}

/// Those that there are.
void show_losses(const Interface& of, Answer& answer) {
    const SwitchPort::Counts& counts = of.report.counts;
    const auto show = [&](std::uint64_t frames, std::string_view side, std::string_view reason) {
        if (frames != 0) answer.show(loss_kind, {of.vm, of.number, frames, side, reason});
    };
    show(of.losses.malformed, "sent", "malformed");
    show(counts.bad_source, "sent", "source");
    show(counts.to_nobody, "sent", "nobody");
    show(counts.no_room, "sent", "room");
    show(counts.refused, "sent", "refused");
    show(counts.missed_no_room, "missed", "room");
    show(counts.missed_refused, "missed", "refused");
    show(of.losses.cut_short, "cut", "room");
}

void show_learned(const Interface& of, Answer& answer) {
    for (const MacAddress& each : of.report.learned) {
        FixedBuffer<24> address;
        print(address, "{}", each);
        answer.show(learned_kind, {of.vm, of.number, address.view()});
    }
}

using Show = void (*)(const Interface& of, Answer& answer);
constexpr std::array<Show, 4> shows{show_settings, show_traffic, show_losses, show_learned};

void show_nets_of(const ManagedVm& vm, Show show, Answer& answer) {
    if (vm.built() == nullptr) return;
    const auto& nets = vm.built()->devices.nets;
    for (std::uint32_t n = 0; n < nets.size(); ++n)
        show({.vm = vm.name(),
              .number = n,
              .network = vm.config().nets[n].wire,
              .settings = nets[n].settings(),
              .report = nets[n].report(),
              .losses = nets[n].losses()},
             answer);
}

/// The machine's own.
void show_uplink(const Uplink* uplink, Show show, Answer& answer) {
    if (uplink == nullptr) return;
    show({.vm = {},
          .number = {},
          .network = uplink_name,
          .settings = uplink->settings(),
          .report = uplink->report(),
          .losses = {.malformed = uplink->malformed(), .cut_short = 0}},
         answer);
}

}  // namespace

void show_nets(Session& session, const CommandLine& line, Answer& answer) {
    if (line.arguments() == 0) {
        for (const Show show : shows) {
            session.vms.visit([&](const ManagedVm& vm) { show_nets_of(vm, show, answer); });
            show_uplink(session.host.networks().uplink(), show, answer);
        }
        return;
    }
    with_vm(session, line.argument(0), answer, [&](const ManagedVm& vm) {
        if (!vm.is_running()) return answer.refuse(vm.name(), to_string(VmTableError::not_running));
        if (vm.config().nets.empty())
            return answer.refuse(vm.name(), "it has no network interface: see net in its vm.conf");
        for (const Show show : shows)
            show_nets_of(vm, show, answer);
    });
}

}  // namespace cairn
