// SPDX-License-Identifier: MIT
// The heap's map as text (docs/heap-map.md): first what the pages are for, then the blocks of
// chunks.
#include <string_view>

#include "cairn/heap/general/heap_core.hpp"
#include "cairn/print.hpp"

namespace cairn {
namespace {

std::string_view kind_of(std::uint8_t use) {
    switch (static_cast<PageUse>(use)) {
        case PageUse::foreign: return "untaken";
        case PageUse::free: return "free";
        case PageUse::run:
        case PageUse::inside: return "run";
        case PageUse::block_chunk: return "chunk";
        case PageUse::internal: return "internal";
        case PageUse::cached_run: return "cached";
        case PageUse::apart: return "apart";
        case PageUse::uncarved: break;  // of a slab, whose first page says so
    }
    return "slab";
}

}  // namespace

void HeapCore::dump(Writer& writer) {
    const SpinGuard guard(lock_);
    print(writer, "cairn-heap-map 1\nwindow {:#x} {} {}\n",
          reinterpret_cast<std::uintptr_t>(window_.base), std::size_t{window_.pages} * heap_page,
          report_.owner);
    const std::uint8_t* const use = pages_.use_map();
    for (std::uint32_t page = 0; page < window_.pages;) {
        std::uint32_t count = 1;
        if (use[page] != 0) {
            count = pages_.run_length(page);
        } else {
            while (page + count < window_.pages && use[page + count] == 0)
                ++count;
        }
        print(writer, "{} {:#x} {}", kind_of(use[page]),
              reinterpret_cast<std::uintptr_t>(address(page)), std::size_t{count} * heap_page);
        if (use[page] - 1U < small_classes) {
            print(writer, " size={} slots={} live={}", class_size(use[page]),
                  slots_per_slab(use[page]), slabs_.live(page));
        }
        print(writer, "\n");
        page += count == 0 ? 1 : count;
    }
    blocks_.for_each_block([&](const std::byte* block, tlsf::View view) {
        print(writer, "{} {:#x} {}\n", view.is_free() ? "hole" : "block",
              reinterpret_cast<std::uintptr_t>(block) - tlsf::header_size, view.length);
    });
}

}  // namespace cairn
