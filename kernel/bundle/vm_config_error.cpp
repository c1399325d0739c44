// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot or per start of a guest.
// The sentences about vm.conf: where, which key, what is wrong, and what would be right.
#include <cairn/byte_size.hpp>
#include <cairn/print.hpp>
#include <cairn/quoted.hpp>
#include "kernel/bundle/bundle.hpp"
#include "kernel/bundle/nearest_word.hpp"
#include "kernel/bundle/vm_config.hpp"

namespace cairn {

namespace {

/// `they` is without its first letter, which may begin a sentence.
void write_none_of(Writer& out, std::string_view word, std::span<const std::string_view> words,
                   std::string_view is_none, std::string_view they) {
    const auto nearest = nearest_word(word, words);
    print(out, "{}", Quoted{word});
    out.write(is_none);
    if (nearest) print(out, "did you mean {}? ", Quoted{*nearest});
    out.write(nearest ? "T" : "t");
    out.write(they);
    std::string_view separator = " ";
    for (const std::string_view each : words) {
        out.write(separator);
        out.write(each);
        separator = ", ";
    }
}

void write_unknown_key(Writer& out, std::string_view key) {
    if (key == "restart")
        return out.write(
            "'restart' is not a key any more; write on-crash = restart, and on-power-off = "
            "restart, "
            "too, for what was always");
    write_none_of(out, key, vm_config_keys, " is not a key; ", "he keys are:");
}

void write_hart_list_fault(Writer& out, const VmConfigError& error) {
    const Quoted value{error.value};
    if (error.fault == VmConfigFault::hart_range) {
        print(out, "{} is out of range; harts have numbers from 0 to {}", value,
              most_listed_harts - 1);
    } else if (error.fault == VmConfigFault::backwards_range) {
        print(out, "{} runs backwards; write the smaller number first", value);
    } else {
        print(out, "{} is no list of harts; write numbers and ranges, for example 0,2-3", value);
    }
}

void write_memory_too_small(Writer& out, const VmConfigError& error) {
    print(out, "{} is {}, too little; a VM has at least {}", Quoted{error.value},
          ByteSize{error.number}, ByteSize{error.limits.min_memory});
    // QEMU's -m counts MiB; somebody who expects that gets told.
    const bool plain = error.value.find_first_not_of("0123456789") == std::string_view::npos;
    if (plain && error.number != 0) print(out, " (for MiB write {}M)", error.number);
}

void write_other_line(Writer& out, const VmConfigError& error) {
    print(out, " on line {}; keep one of the two", error.number);
}

void write_fault(Writer& out, const VmConfigError& error) {
    const Quoted value{error.value};
    switch (error.fault) {
        case VmConfigFault::control_character:
            return print(out, "column {} has the byte {:#04x}, which is no text", error.column,
                         static_cast<unsigned char>(error.value.front()));
        case VmConfigFault::no_equals:
            return print(out, "{} has no '='; write key = value, for example memory = 512M", value);
        case VmConfigFault::unknown_key: return write_unknown_key(out, error.key);
        case VmConfigFault::duplicate_key:
            if (!error.value.empty()) print(out, "{} ", value);
            out.write("is already set");
            return write_other_line(out, error);
        case VmConfigFault::no_console:
            print(out, "{} contradicts port", value);
            return write_other_line(out, error);
        case VmConfigFault::missing_key:
            return out.write("is not set; name the file to start, for example kernel = Image");
        case VmConfigFault::missing_value:
            return out.write("has no value; write one behind the '=', or remove the line");
        case VmConfigFault::bad_number:
            return print(out, "{} is not a number; write one in decimal, for example 1", value);
        case VmConfigFault::bad_size:
            return print(out, "{} is not a size; write a number with K, M or G, for example 512M",
                         value);
        case VmConfigFault::number_range:
            return print(out, "{} is out of range; write a number from 1 to {}", value,
                         error.number);
        case VmConfigFault::bad_choice:
            return write_none_of(out, error.value, error.choices, " is not one of its values; ",
                                 "hey are:");
        case VmConfigFault::bad_hart_list:
        case VmConfigFault::hart_range:
        case VmConfigFault::backwards_range: return write_hart_list_fault(out, error);
        case VmConfigFault::memory_too_small: return write_memory_too_small(out, error);
        case VmConfigFault::memory_granule:
            return print(out, "{} is not a multiple of {}; write for example 512M", value,
                         ByteSize{vm_memory_granule});
        case VmConfigFault::append_too_long:
            return print(out, "has {} bytes; at most {} fit", error.number,
                         error.limits.max_append);
        case VmConfigFault::net_no_wire:
            return print(out,
                         "{} is nothing to connect to; write switch:NAME, of letters, digits, - "
                         "and _, or uplink for the machine's own network",
                         value);
        case VmConfigFault::net_bad_option:
            return print(out, "{} is not an option; they are: isolated, rate=SIZE, mac=ADDRESS",
                         value);
        case VmConfigFault::net_bad_rate:
            return print(out, "{} is no rate; write bytes a second, 1K at least, as in rate=10M",
                         value);
        case VmConfigFault::net_bad_address:
            return print(out,
                         "{} is no address of one interface; write six bytes, as in "
                         "mac=52:54:00:12:34:56",
                         value);
        case VmConfigFault::too_many_nets:
            return print(out, "is one too many: a VM has at most {}", VmConfig::max_nets);
        case VmConfigFault::bad_port:
            return print(out,
                         "{} is no name for a port; write 1 to {} letters, digits, . - and _, and "
                         "not console",
                         value, longest_vm_name);
        case VmConfigFault::too_many_ports:
            return print(out, "is one too many: a VM has at most {}", VmConfig::max_ports);
        case VmConfigFault::bad_host_disk:
            return print(out,
                         "{} is no disk of the machine's; write host:0 for its first, host:0/1 for "
                         "a partition of that",
                         value);
        case VmConfigFault::host_disk_overlay:
            return print(out, "{} has no overlay; write {} to write to it, or {},ro", value,
                         error.value, error.value);
        case VmConfigFault::too_many_disks:
            return print(out, "is one too many: a VM has at most {} disks", VmConfig::max_disks);
        case VmConfigFault::bad_seconds:
            return print(out, "{} is no time; write 1s to {}s, for example 30s", value,
                         error.limits.max_watchdog);
        case VmConfigFault::no_core:
            return print(out,
                         "{} writes to one of the machine's disks; name it, for example core = "
                         "host:0",
                         value);
    }
}

}  // namespace

void format_value(Writer& out, const VmConfigError& error) {
    out.write(error.file);
    if (error.line != 0) print(out, ":{}", error.line);
    out.write(": ");
    const bool names_key = !error.key.empty() && error.fault != VmConfigFault::unknown_key;
    if (names_key) print(out, "{}: ", error.key);
    write_fault(out, error);
}

}  // namespace cairn
