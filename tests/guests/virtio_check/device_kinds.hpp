// SPDX-License-Identifier: MIT
// What is checked of each kind of device, beside what holds for all.
#pragma once

#include "tests/guests/virtio_check/checked_device.hpp"

namespace cairn::guest {

/// VIRTIO 1.2, section 5.4.
void check_rng(Checks& checks, unsigned slot);
/// Section 2.8, of an entropy device that offers RING_PACKED.
void check_packed(Checks& checks, unsigned slot);
/// Section 5.3: what is printed shows on the console, and `typed` is asked for there.
void check_console(Checks& checks, unsigned slot);
/// Section 5.1: two interfaces that hear each other.
void check_nets(Checks& checks, unsigned slot, unsigned other_slot);

}  // namespace cairn::guest
