// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot, or for people to read.
#include "cairn/list_hook.hpp"

#include <string_view>

#include "cairn/print.hpp"

namespace cairn {
namespace {

std::string_view sentence_of(ListFault fault) {
    switch (fault) {
        case ListFault::linked_twice: return "is added while it is in a list";
        case ListFault::not_linked: return "is removed while it is in no list";
        case ListFault::destroyed: return "is destroyed while it is in a list";
        case ListFault::broken: return "has neighbours that do not lead back to it";
    }
    return "has an unknown fault";
}

}  // namespace

void panic_list(ListFault fault, const void* hook, std::source_location where) {
    const std::string_view sentence = sentence_of(fault);
    const format_detail::ArgumentStore<const void*, std::string_view> values(hook, sentence);
    vpanic("intrusive_list: the hook at {} {}", values.view(), where);
}

}  // namespace cairn
