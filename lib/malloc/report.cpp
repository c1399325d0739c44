// SPDX-License-Identifier: MIT
// What the environment may ask for when a process exits: the heap's figures, and its map.
//
//     CAIRN_MALLOC_STATS=1            one line to stderr; =/some/file: at the end of that file
//     CAIRN_MALLOC_MAP=/some/file     the map, as docs/heap-map.md describes it
//     CAIRN_MALLOC_CHECK=1            a walk over the whole heap; damage ends the process with a
//                                     sentence. Not while other threads still run.
//
// Processes that end by _exit, a signal or exec say nothing.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string_view>

#include "lib/malloc/process_heap.hpp"
#include "lib/panic.hpp"
#include "lib/print.hpp"

namespace cairn::process_heap {
namespace {

/// Both may be gone from the environment at exit, and stderr may be closed.
struct Wishes {
    const char* map = nullptr;
    int statistics = -1;
    bool check = false;
};
constinit Wishes wishes;

[[gnu::constructor]] void hear_wishes() {
    wishes.map = ::secure_getenv("CAIRN_MALLOC_MAP");
    const char* const check = ::secure_getenv("CAIRN_MALLOC_CHECK");
    wishes.check = check != nullptr && *check != '\0';
    const char* const target = ::secure_getenv("CAIRN_MALLOC_STATS");
    if (target == nullptr || *target == '\0') return;
    wishes.statistics = std::string_view(target).contains('/')
                            ? ::open(target, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666)
                            : ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 100);
}

[[gnu::destructor]] void fulfil_wishes() {
    if (wishes.check) require(core.check(), "malloc: the heap is damaged");
    if (wishes.statistics >= 0) {
        FixedBuffer<256> line;
        println(line, "cairn malloc: {}[{}]: {}", program_invocation_short_name, ::getpid(),
                core.statistics());
        [[maybe_unused]] const auto written =
            ::write(wishes.statistics, line.view().data(), line.view().size());
    }
}

}  // namespace
}  // namespace cairn::process_heap
