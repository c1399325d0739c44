// SPDX-License-Identifier: MIT
#include "kernel/dev/virtio/queue/ring_parts.hpp"

namespace cairn {

/// What is not found is looked for at each access, which may make it ready.
void RingParts::find_again(DmaTurn& turn) {
    const auto find_part = [&turn](const RingArea& area) {
        return turn.find_part(area.where, area.alignment);
    };
    descriptors = find_part(areas.descriptors);
    driver = find_part(areas.driver);
    device = find_part(areas.device);
    is_found = descriptors.bytes != nullptr && driver.bytes != nullptr && device.bytes != nullptr;
    generation = turn.generation();
}

}  // namespace cairn
