// SPDX-License-Identifier: MIT
// What a process says that touches what cannot be touched: pages between and behind blocks, freed
// ones, blocks of no bytes. A program that handles SIGSEGV itself does as it likes.
#include <csignal>
#include <optional>

#include "cairn/malloc/hardened_calls.hpp"
#include "cairn/malloc/hardened_heap.hpp"
#include "cairn/malloc/window.hpp"
#include "cairn/panic.hpp"
#include "cairn/print.hpp"

namespace cairn::process_heap {
namespace {

using Found = HardenedState::Found;

/// Nothing where it is no block's, or where this thread, or another one, is in the list right now.
std::optional<Found> block_around(const void* address) CAIRN_NO_THREAD_SAFETY_ANALYSIS {
    if (ForkLock::held.is_locked()) return std::nullopt;
    return hardened_heap().find_around(address);
}

/// Whether this thread was looking for the header of what it gave back.
bool is_header_asked_for(const void* address) {
    const auto distance =
        reinterpret_cast<std::uintptr_t>(asked) - reinterpret_cast<std::uintptr_t>(address);
    return ForkLock::mine && distance - 1 < sizeof(hardened::Header);
}

[[noreturn]] void say(const void* address) {
    if (is_header_asked_for(address)) {
        die(nullptr, {HeapFaultKind::invalid_pointer, asked, 0, "malloc"});
    }
    calls::let_go();
    if (is_untouchable(address)) {
        panic_format("heap 'malloc': zero-size block: {} has no bytes that could be used", address);
    }
    const auto found = block_around(address);
    if (!found) panic_format("heap 'malloc': stray access: {} is in no block", address);
    const auto* const block = static_cast<const void*>(found->block);
    const auto offset = static_cast<const std::byte*>(address) - found->block;
    if (found->freed) {
        panic_format(
            "heap 'malloc': use after free: {} is {} bytes into the block at {} ({} bytes), "
            "which is free",
            address, offset, block, found->size);
    }
    if (offset < 0) {
        panic_format("heap 'malloc': underflow: {} is {} bytes before the block at {} ({} bytes)",
                     address, -offset, block, found->size);
    }
    if (static_cast<std::size_t>(offset) >= found->size) {
        panic_format("heap 'malloc': overflow: {} is {} bytes into the block at {} ({} bytes)",
                     address, offset, block, found->size);
    }
    panic_format("heap 'malloc': execution: {} is {} bytes into the block at {} ({} bytes)",
                 address, offset, block, found->size);
}

void handle(int signal, siginfo_t* info, void* /*context*/) {
    // What comes next, be it the same instruction again, ends the process.
    ::signal(SIGSEGV, SIG_DFL);
    if (info->si_code <= 0) {
        ::raise(signal);  // another process's, or the program's own
    } else if (window::covers(info->si_addr)) {
        say(info->si_addr);
    }
}

[[gnu::constructor]] void listen() {
    struct sigaction old{};
    if (::sigaction(SIGSEGV, nullptr, &old) != 0 || old.sa_handler != SIG_DFL) return;
    struct sigaction ours{};
    ours.sa_sigaction = handle;
    ours.sa_flags = SA_SIGINFO | SA_ONSTACK;
    ::sigaction(SIGSEGV, &ours, nullptr);
}

}  // namespace
}  // namespace cairn::process_heap
