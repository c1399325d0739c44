// SPDX-License-Identifier: MIT
#include "kernel/uefi/status.hpp"

#include <cairn/print.hpp>
#include "tests/unit/catch.hpp"

using namespace cairn;
using uefi::Status;

TEST_CASE("statuses have the specification's names", "[status]") {
    CHECK(to_string(Status::success) == "EFI_SUCCESS");
    CHECK(to_string(Status::out_of_resources) == "EFI_OUT_OF_RESOURCES");
    CHECK(to_string(Status::not_found) == "EFI_NOT_FOUND");
    CHECK(to_string(Status::http_error) == "EFI_HTTP_ERROR");
    CHECK(to_string(Status::warn_reset_required) == "EFI_WARN_RESET_REQUIRED");
    CHECK(to_string(static_cast<Status>(uefi::error_bit | 29)) == "an unknown EFI_STATUS");
    FixedBuffer<64> text;
    print(text, "{}", Status::device_error);
    CHECK(text.view() == "EFI_DEVICE_ERROR");
}

TEST_CASE("a warning is a success with a value", "[status]") {
    CHECK(uefi::value_or_status(Status::success, 7).value() == 7);
    CHECK(uefi::value_or_status(Status::warn_stale_data, 7).value() == 7);
    CHECK(uefi::value_or_status(Status::aborted, 7).error() == Status::aborted);
    CHECK(uefi::nothing_or_status(Status::warn_file_system).has_value());
    CHECK(uefi::nothing_or_status(Status::timeout).error() == Status::timeout);
}
