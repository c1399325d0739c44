// SPDX-License-Identifier: MIT
#include "cairn/classic_trace.hpp"

#include "cairn/layout.hpp"
#include "cairn/print.hpp"

namespace cairn::classic {

std::string_view to_string(Step step) {
    switch (step) {
        case Step::allocate: return "allocate";
        case Step::too_small: return "too small";
        case Step::fits: return "fits";
        case Step::grow: return "grow";
        case Step::split: return "split";
        case Step::take: return "take";
        case Step::refuse: return "refuse";
        case Step::free: return "free";
        case Step::coalesce: return "coalesce";
        case Step::resize: return "resize";
    }
    return "unknown step";
}

void format_value(Writer& writer, const Event& event) {
    const auto [step, at, size, other] = event;
    print(writer, "{}: ", to_string(step));
    switch (step) {
        case Step::allocate:
            print(writer, "{} bytes", size);
            if (other > default_alignment) print(writer, " at a multiple of {}", other);
            return;
        case Step::too_small:
        case Step::fits:
        case Step::take:
        case Step::free: return print(writer, "+{}, {} bytes", at, size);
        case Step::grow: return print(writer, "the break gives {} bytes at +{}", size, at);
        case Step::split:
            return print(writer, "+{} keeps {} bytes, and +{} is a block of its own", at, size,
                         other);
        case Step::refuse: return print(writer, "nothing fits, and the break gives no more");
        case Step::coalesce:
            return print(writer, "+{} and +{} become one block of {} bytes", at, other, size);
        case Step::resize: return print(writer, "+{} from {} bytes to {}", at, other, size);
    }
}

}  // namespace cairn::classic
