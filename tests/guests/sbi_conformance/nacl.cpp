// SPDX-License-Identifier: MIT
// "Nested Acceleration Extension": probing, shared memory, and functions without their feature or
// memory.
#include "tests/guests/sbi_conformance/suite.hpp"

namespace cairn::guest::conformance {
namespace {

alignas(4096) std::array<std::byte, 4096 + 64 * 128> memory;

template <class... Arguments>
SbiResult nacl(SbiNacl function, Arguments... arguments) {
    return call(SbiExtension::nacl, function, arguments...);
}

void check_memory() {
    constexpr std::string_view what = "NACL set_shmem";
    const auto address = reinterpret_cast<std::uint64_t>(memory.data());
    check_error(what, "flags", nacl(SbiNacl::set_shmem, address, 0u, 1u),
                {SbiError::invalid_param});
    check_error(what, "not page-aligned", nacl(SbiNacl::set_shmem, address + 8, 0u, 0u),
                {SbiError::invalid_param});
    check_error(what, "behind RAM", nacl(SbiNacl::set_shmem, world.ram_end, 0u, 0u),
                {SbiError::invalid_address, SbiError::failed});
    check_error(what, "high word 1", nacl(SbiNacl::set_shmem, address, 1u, 0u),
                {SbiError::invalid_address, SbiError::failed});
    check_success(what, "a place", nacl(SbiNacl::set_shmem, address, 0u, 0u));
    check_success(what, "none", nacl(SbiNacl::set_shmem, all_ones, all_ones, 0u));
}

}  // namespace

void check_nacl() {
    if (!begin_extension(SbiExtension::nacl, "NACL", 5)) return;
    constexpr SbiNacl functions[]{SbiNacl::sync_csr, SbiNacl::sync_hfence, SbiNacl::sync_sret};
    for (std::uint64_t feature = 0; feature < std::size(functions); ++feature) {
        const SbiResult probed = nacl(SbiNacl::probe_feature, feature);
        check_success("NACL probe_feature", "it always succeeds", probed);
        check("NACL probe_feature", "0 or 1", probed.value <= 1);
        check_error("NACL", "without its feature, or without memory",
                    nacl(functions[feature], all_ones),
                    {probed.value == 0 ? SbiError::not_supported : SbiError::no_shmem});
    }
    check_result("NACL probe_feature", "a reserved feature",
                 nacl(SbiNacl::probe_feature, 0xffff'ffffu), 0);
    check_memory();
}

}  // namespace cairn::guest::conformance
