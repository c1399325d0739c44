// SPDX-License-Identifier: MIT
// Compares virtio devices with the rules of VIRTIO 1.2, as far as a driver can see them: those
// entropy devices and consoles that are in virtio's slots, and two network interfaces that hear
// each other. The same on QEMU's devices as a second opinion. disk_check.cpp is the same for disks.
#include <array>

#include "tests/guests/guest_runtime.hpp"
#include "tests/guests/virtio_check/device_kinds.hpp"

namespace cairn::guest {
namespace {

constexpr unsigned slots = 8;
unsigned checks = 0;
unsigned failures = 0;

void count(const Checks& of) {
    checks += of.count();
    failures += of.failures();
    println("{}: {} checks, {} failed", of.name(), of.count(), of.failures());
}

}  // namespace

void run(std::string_view arguments) {
    const bool is_second_opinion = arguments == "qemu";
    println("virtio_check: begins");
    std::array<unsigned, slots> nets{};
    std::size_t net_count = 0;
    for (unsigned slot = slots; slot-- > 0;) {
        const std::uint32_t id = VirtioDriver(slot).get(VirtioDriver::Register::device_id);
        if (id == virtio::network_device_id) nets[net_count++] = slot;
        Checks of(id == virtio::entropy_device_id ? "rng" : "console", is_second_opinion);
        if (id == virtio::entropy_device_id) check_rng(of, slot);
        if (id == virtio::console_device_id) check_console(of, slot);
        if (of.count() != 0) count(of);
        if (id != virtio::entropy_device_id ||
            (VirtioDriver(slot).offered() & virtio::feature::ring_packed) == 0)
            continue;
        Checks packed("packed", is_second_opinion);
        check_packed(packed, slot);
        count(packed);
    }
    if (net_count == 2) {
        Checks of("net", is_second_opinion);
        check_nets(of, nets[0], nets[1]);
        count(of);
    }
    println("virtio_check: {} checks, {} failed", checks, failures);
    power_off(failures != 0);
}

}  // namespace cairn::guest
