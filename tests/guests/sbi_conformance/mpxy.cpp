// SPDX-License-Identifier: MIT
// "Message Proxy Extension": shared memory, and channels that do not exist. What channels carry is
// for their protocols to say.
#include "tests/guests/sbi_conformance/suite.hpp"

namespace cairn::guest::conformance {
namespace {

// "Message Proxy Extension", function listing.
enum class Mpxy : std::uint8_t {
    get_shmem_size,
    set_shmem,
    get_channel_ids,
    read_attributes,
    write_attributes,
    send_with_response,
    send_without_response,
    get_notifications
};

alignas(4096) std::array<std::uint32_t, 4096> memory;
constexpr std::uint64_t no_channel = 0xffff'fffe;

template <class... Arguments>
SbiResult mpxy(Mpxy function, Arguments... arguments) {
    return call(SbiExtension::mpxy, function, arguments...);
}

struct Function {
    Mpxy function;
    std::string_view name;
};
constexpr Function of_a_channel[]{
    {Mpxy::read_attributes, "MPXY read_attributes"},
    {Mpxy::write_attributes, "MPXY write_attributes"},
    {Mpxy::send_with_response, "MPXY send_message_with_response"},
    {Mpxy::send_without_response, "MPXY send_message_without_response"},
    {Mpxy::get_notifications, "MPXY get_notification_events"},
};

void check_memory(std::uint64_t address) {
    constexpr std::string_view what = "MPXY set_shmem";
    constexpr Named bad_flags[]{{"flags 2", 2}, {"flags 3", 3}, {"flags 4", 4}};
    for (const auto& [when, flags] : bad_flags)
        check_error(what, when, mpxy(Mpxy::set_shmem, address, 0u, flags),
                    {SbiError::invalid_param});
    check_error(what, "not page-aligned", mpxy(Mpxy::set_shmem, address + 8, 0u, 0u),
                {SbiError::invalid_param});
    check_error(what, "high word 1", mpxy(Mpxy::set_shmem, address, 1u, 0u),
                {SbiError::invalid_address, SbiError::failed});
    check_error(what, "behind RAM", mpxy(Mpxy::set_shmem, world.ram_end, 0u, 0u),
                {SbiError::invalid_address, SbiError::failed});
    check_success(what, "none", mpxy(Mpxy::set_shmem, all_ones, all_ones, 0u));
}

}  // namespace

void check_mpxy() {
    if (!begin_extension(SbiExtension::mpxy, "MPXY", 8)) return;
    const SbiResult size = mpxy(Mpxy::get_shmem_size);
    check_success("MPXY get_shmem_size", "it always succeeds", size);
    check("MPXY get_shmem_size", "pages, at least one",
          size.value >= 4096 && size.value % 4096 == 0);
    const auto address = reinterpret_cast<std::uint64_t>(memory.data());
    check_memory(address);
    check_error("MPXY get_channel_ids", "without memory", mpxy(Mpxy::get_channel_ids, 0u),
                {SbiError::no_shmem});
    for (const auto& [function, name] : of_a_channel)
        check_error(name, "without memory", mpxy(function, no_channel, 0u, 1u),
                    {SbiError::no_shmem, SbiError::not_supported});
    if (size.value > sizeof memory) return;
    check_success("MPXY set_shmem", "a place", mpxy(Mpxy::set_shmem, address, 0u, 0u));
    check_result("MPXY get_channel_ids", "from the first", mpxy(Mpxy::get_channel_ids, 0u), 0);
    check_error("MPXY get_channel_ids", "from beyond the last",
                mpxy(Mpxy::get_channel_ids, 0xffff'fff0u), {SbiError::invalid_param});
    for (const auto& [function, name] : of_a_channel)
        check_error(name, "no such channel", mpxy(function, no_channel, 0u, 1u),
                    {SbiError::not_supported});
    check_success("MPXY set_shmem", "none", mpxy(Mpxy::set_shmem, all_ones, all_ones, 0u));
}

}  // namespace cairn::guest::conformance
