// SPDX-License-Identifier: MIT
// A network interface of a VM: the device that the guest sees, and its port of a switch.
//
//     guest ──► GuestVirtio ──► VirtioNet ──► SwitchPort ──► VirtualSwitch ──► another port
//                 ▲ turn                                          │
//                 └──── DeviceTasks ◄── room, an interrupt ◄──────┘
//
// On the VM's heap; it ends before its VM does, and leaves its switch first.
#pragma once

#include <cstdint>
#include <string_view>

#include "kernel/dev/net/virtual_switch.hpp"
#include "kernel/dev/virtio/virtio_net.hpp"
#include "kernel/vm/virtio/guest_virtio.hpp"

namespace cairn {

class GuestNet final : private NetWire, public SwitchPort {
  public:
    struct Settings {
        std::string_view name;  ///< what it is connected to, in the log: "switch:lan"
        SwitchPort::Settings port;
        std::uint64_t offloads;  ///< features of the device that its wire has
    };

    /// All that is borrowed outlives it. Its VM's RAM is `ram`.
    GuestNet(const Settings& settings, VirtualSwitch& net, const GuestMemory& ram,
             DeviceTasks& tasks)
        : SwitchPort(settings.port, net_),
          offloads_(settings.offloads),
          switch_(net),
          tasks_(tasks),
          dma_(ram),
          net_(*this, dma_),
          port_(net_, VirtioNet::kind, {.kind = "net", .name = settings.name}, ram, tasks) {}
    GuestNet(const GuestNet&) = delete;
    GuestNet& operator=(const GuestNet&) = delete;
    ~GuestNet() { switch_.disconnect(*this); }

    /// False where the switch has no place for it, or another port has its address.
    [[nodiscard]] bool connect() { return switch_.connect(*this); }
    [[nodiscard]] GuestVirtio& port() { return port_; }
    // On any hart:
    [[nodiscard]] VirtualSwitch::Report report() const { return switch_.report_of(*this); }
    [[nodiscard]] VirtioNet::Losses losses() const { return net_.losses(); }

  private:
    [[nodiscard]] MacAddress address() const override { return settings().address; }
    [[nodiscard]] std::uint64_t offloads() const override { return offloads_; }
    [[nodiscard]] bool send(const NetFrame& frame, std::uint32_t& copies) override;
    void nothing_waits() override { switch_.nothing_waits(*this); }
    void room_again() override { switch_.room_again(*this); }
    void want_turn() override;
    void send_again() override { want_turn(); }

    std::uint64_t offloads_;
    VirtualSwitch& switch_;
    DeviceTasks& tasks_;
    GuestDma dma_;
    VirtioNet net_;
    GuestVirtio port_;
};

}  // namespace cairn
