// SPDX-License-Identifier: MIT
// Compiled: small. It runs for people.
#include "kernel/manager/commands/guest_backtrace.hpp"

#include <array>
#include <expected>

#include <cairn/bits.hpp>
#include "kernel/vm/memory/guest_translation.hpp"

namespace cairn {
namespace {

using Source = GuestFrame::Source;

constexpr std::uint64_t word = sizeof(std::uint64_t);
/// No function's frame is as large: what lies farther above a frame is no frame of its caller.
constexpr std::uint64_t farthest_caller = std::uint64_t{1} << 20;

struct Frame {
    std::uint64_t caller_frame;
    std::uint64_t return_address;
};

/// A word does not cross a page where `address` is aligned.
std::expected<std::uint64_t, std::string_view> read_word(const GuestMemory& memory,
                                                         std::uint64_t vsatp,
                                                         std::uint64_t address) {
    const auto place = translate(memory, vsatp, {address});
    if (!place) return std::unexpected(to_string(place.error()));
    if (!memory.holds(place->at, word)) return std::unexpected("what it is mapped to is no RAM");
    const auto value = memory.load<std::uint64_t>(place->at);
    if (!value) return std::unexpected("there is no memory for its page tables");
    return *value;
}

std::expected<Frame, std::string_view> read_frame(const GuestMemory& memory, std::uint64_t vsatp,
                                                  std::uint64_t fp) {
    if (fp == 0) return std::unexpected("it is 0: nobody has called this");
    if (!is_aligned(fp, word) || fp < 2 * word)
        return std::unexpected("it is no frame pointer: it is not aligned");
    const auto caller_frame = read_word(memory, vsatp, fp - 2 * word);
    if (!caller_frame) return std::unexpected(caller_frame.error());
    const auto return_address = read_word(memory, vsatp, fp - word);
    if (!return_address) return std::unexpected(return_address.error());
    return Frame{*caller_frame, *return_address};
}

bool may_be_caller_frame(std::uint64_t value, std::uint64_t fp) {
    return value == 0 || (is_aligned(value, word) && value > fp && value - fp < farthest_caller);
}

/// Whether it is the frame of a function that calls nobody, with the caller's fp alone.
bool is_leaf_frame(const Frame& frame, std::uint64_t fp) {
    return !may_be_caller_frame(frame.caller_frame, fp) && frame.return_address != 0 &&
           may_be_caller_frame(frame.return_address, fp);
}

}  // namespace

std::string_view to_string(Source source) {
    switch (source) {
        case Source::pc: return "pc";
        case Source::ra: return "ra";
        case Source::stack: return "stack";
    }
    return "";
}

GuestBacktrace unwind(const GuestMemory& memory, const GuestCallRegisters& registers) {
    GuestBacktrace trace{
        .frames = {{Source::pc, registers.pc}}, .frame_pointer = registers.fp, .reason = {}};
    auto frame = read_frame(memory, registers.vsatp, trace.frame_pointer);
    if (registers.ra != 0 && (!frame || frame->return_address != registers.ra))
        trace.frames.push_back({Source::ra, registers.ra});
    if (frame && is_leaf_frame(*frame, trace.frame_pointer)) {
        trace.frame_pointer = frame->return_address;
        frame = read_frame(memory, registers.vsatp, trace.frame_pointer);
    }
    for (; frame; frame = read_frame(memory, registers.vsatp, trace.frame_pointer)) {
        if (frame->return_address == 0) break;
        if (!trace.frames.try_push_back({Source::stack, frame->return_address})) break;
        const bool ascends = frame->caller_frame == 0 || frame->caller_frame > trace.frame_pointer;
        trace.frame_pointer = frame->caller_frame;
        if (!ascends) {
            trace.reason = "it is no frame pointer: it does not lie above the one before";
            return trace;
        }
    }
    trace.reason = !frame                       ? frame.error()
                   : frame->return_address == 0 ? "its return address is 0: nobody has called this"
                                                : "there are no more than 64 frames shown";
    return trace;
}

}  // namespace cairn
