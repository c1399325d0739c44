// SPDX-License-Identifier: MIT
// "Debug Triggers Extension". What makes triggers fire is left to the Sdtrig extension.
#include "tests/guests/sbi_conformance/suite.hpp"

namespace cairn::guest::conformance {
namespace {

// "Debug Triggers Extension", function listing.
enum class Dbtr : std::uint8_t {
    num_triggers,
    set_shmem,
    read,
    install,
    update,
    uninstall,
    enable,
    disable
};

alignas(4096) std::array<std::uint64_t, 512> memory;

template <class... Arguments>
SbiResult dbtr(Dbtr function, Arguments... arguments) {
    return call(SbiExtension::dbtr, function, arguments...);
}

void check_memory(std::uint64_t address) {
    constexpr std::string_view what = "DBTR set_shmem";
    check_error(what, "flags", dbtr(Dbtr::set_shmem, address, 0u, 1u), {SbiError::invalid_param});
    check_error(what, "not 8-byte aligned", dbtr(Dbtr::set_shmem, address + 4, 0u, 0u),
                {SbiError::invalid_param});
    check_error(what, "high word 1", dbtr(Dbtr::set_shmem, address, 1u, 0u),
                {SbiError::invalid_address, SbiError::failed});
    check_error(what, "behind RAM", dbtr(Dbtr::set_shmem, world.ram_end, 0u, 0u),
                {SbiError::invalid_address, SbiError::failed});
    check_success(what, "none", dbtr(Dbtr::set_shmem, all_ones, all_ones, 0u));
}

void check_without_memory() {
    for (const auto& [function, name] : {std::pair{Dbtr::read, "DBTR read_triggers"},
                                         std::pair{Dbtr::install, "DBTR install_triggers"},
                                         std::pair{Dbtr::update, "DBTR update_triggers"}})
        check_error(name, "without memory", dbtr(function, 0u, 1u), {SbiError::no_shmem});
}

void check_ranges(std::uint64_t triggers) {
    check_error("DBTR read_triggers", "the trigger after the last", dbtr(Dbtr::read, triggers, 1u),
                {SbiError::bad_range});
    check_error("DBTR read_triggers", "trigger -1", dbtr(Dbtr::read, all_ones, 1u),
                {SbiError::bad_range});
    check_error("DBTR read_triggers", "a trigger too many", dbtr(Dbtr::read, 0u, triggers + 1),
                {SbiError::bad_range});
    check_error("DBTR install_triggers", "too many", dbtr(Dbtr::install, triggers + 1),
                {SbiError::bad_range});
    check_error("DBTR update_triggers", "too many", dbtr(Dbtr::update, triggers + 1),
                {SbiError::bad_range});
    for (const auto& [function, name] : {std::pair{Dbtr::uninstall, "DBTR uninstall_triggers"},
                                         std::pair{Dbtr::enable, "DBTR enable_triggers"},
                                         std::pair{Dbtr::disable, "DBTR disable_triggers"}}) {
        check_error(name, "a trigger that is not mapped", dbtr(function, 0u, 1u),
                    {SbiError::invalid_param});
        check_error(name, "the trigger after the last", dbtr(function, triggers, 1u),
                    {SbiError::invalid_param});
        check_error(name, "base -1", dbtr(function, all_ones, 1u), {SbiError::invalid_param});
    }
}

}  // namespace

void check_dbtr() {
    if (!begin_extension(SbiExtension::dbtr, "DBTR", 8)) return;
    const SbiResult number = dbtr(Dbtr::num_triggers, 0u);
    check_success("DBTR num_triggers", "it always succeeds", number);
    const auto address = reinterpret_cast<std::uint64_t>(memory.data());
    check_memory(address);
    check_without_memory();
    if (number.value == 0 || number.value * 32 > sizeof memory) return;
    check_success("DBTR set_shmem", "a place", dbtr(Dbtr::set_shmem, address, 0u, 0u));
    check_ranges(number.value);
    check_success("DBTR set_shmem", "none", dbtr(Dbtr::set_shmem, all_ones, all_ones, 0u));
}

}  // namespace cairn::guest::conformance
