// SPDX-License-Identifier: MIT
// What a call of UEFI firmware ends with. Errors have the highest bit of a native word set; other
// values but 0 are warnings: the call has done its work. Pure.
#pragma once

#include <cstdint>
#include <expected>
#include <string_view>

namespace cairn::uefi {

inline constexpr std::uint64_t error_bit = std::uint64_t{1} << 63;

// UEFI Specification 2.10, appendix D, tables D.3 (errors) and D.4 (warnings). X(name, number)
#define CAIRN_UEFI_ERRORS(X)    \
    X(load_error, 1)            \
    X(invalid_parameter, 2)     \
    X(unsupported, 3)           \
    X(bad_buffer_size, 4)       \
    X(buffer_too_small, 5)      \
    X(not_ready, 6)             \
    X(device_error, 7)          \
    X(write_protected, 8)       \
    X(out_of_resources, 9)      \
    X(volume_corrupted, 10)     \
    X(volume_full, 11)          \
    X(no_media, 12)             \
    X(media_changed, 13)        \
    X(not_found, 14)            \
    X(access_denied, 15)        \
    X(no_response, 16)          \
    X(no_mapping, 17)           \
    X(timeout, 18)              \
    X(not_started, 19)          \
    X(already_started, 20)      \
    X(aborted, 21)              \
    X(icmp_error, 22)           \
    X(tftp_error, 23)           \
    X(protocol_error, 24)       \
    X(incompatible_version, 25) \
    X(security_violation, 26)   \
    X(crc_error, 27)            \
    X(end_of_media, 28)         \
    X(end_of_file, 31)          \
    X(invalid_language, 32)     \
    X(compromised_data, 33)     \
    X(ip_address_conflict, 34)  \
    X(http_error, 35)
#define CAIRN_UEFI_WARNINGS(X)  \
    X(warn_unknown_glyph, 1)    \
    X(warn_delete_failure, 2)   \
    X(warn_write_failure, 3)    \
    X(warn_buffer_too_small, 4) \
    X(warn_stale_data, 5)       \
    X(warn_file_system, 6)      \
    X(warn_reset_required, 7)

enum class Status : std::uint64_t {
    success = 0,
#define CAIRN_ROW(name, number) name = (number),
    CAIRN_UEFI_WARNINGS(CAIRN_ROW)
#undef CAIRN_ROW
#define CAIRN_ROW(name, number) name = error_bit | (number),
        CAIRN_UEFI_ERRORS(CAIRN_ROW)
#undef CAIRN_ROW
};

/// The specification's name, as in "EFI_OUT_OF_RESOURCES"; "an unknown EFI_STATUS" where it has
/// none.
[[nodiscard]] std::string_view to_string(Status status);

[[nodiscard]] constexpr bool is_error(Status status) {
    return (static_cast<std::uint64_t>(status) & error_bit) != 0;
}

template <class T>
using Result = std::expected<T, Status>;

/// `value`, unless the call that was to make it has failed.
template <class T>
[[nodiscard]] constexpr Result<T> value_or_status(Status status, T value) {
    if (is_error(status)) return std::unexpected(status);
    return value;
}
[[nodiscard]] constexpr Result<void> nothing_or_status(Status status) {
    if (is_error(status)) return std::unexpected(status);
    return {};
}

static_assert(static_cast<std::uint64_t>(Status::out_of_resources) == 0x8000'0000'0000'0009);
static_assert(is_error(Status::http_error) && !is_error(Status::warn_reset_required));

}  // namespace cairn::uefi
