// SPDX-License-Identifier: MIT
#include "kernel/uefi/firmware.hpp"

#include <cairn/print.hpp>
#include "kernel/uefi/text_output.hpp"
#include "kernel/uefi/volume.hpp"
#include "tests/unit/fake_firmware.hpp"

using namespace cairn;
using namespace cairn::uefi;

namespace {

/// What `call` answers when the firmware refuses the call that it makes.
template <class Call>
Status refusal(FakeFirmware& fake, Status status, Call call) {
    fake.fail_at = fake.calls + 1;
    fake.failure = status;
    const auto result = call();
    CHECK(fake.calls == fake.fail_at);
    REQUIRE_FALSE(result.has_value());
    return result.error();
}

}  // namespace

TEST_CASE("every call returns the firmware's status", "[firmware]") {
    FakeFirmware fake;
    const Firmware firmware(fake.table);
    for (const Status status : {Status::out_of_resources, Status::invalid_parameter,
                                Status::security_violation, static_cast<Status>(error_bit | 99)}) {
        const auto refused = [&](auto call) { return refusal(fake, status, call) == status; };
        CHECK(refused([&] { return firmware.allocate_pool(MemoryType::loader_data, 1); }));
        CHECK(refused([&] {
            return firmware.allocate_pages(AllocateType::any_pages, MemoryType::loader_data, 1);
        }));
        CHECK(refused([&] { return firmware.protocol<LoadedImage>(&fake.image); }));
        CHECK(refused([&] { return firmware.locate<RiscvBoot>(); }));
        const InitrdMedia media;
        CHECK(refused([&] { return firmware.locate_device(LoadFile2::guid, &media.vendor); }));
        CHECK(refused([&] { return firmware.exit_boot_services(&fake.image, 1); }));
        CHECK(refused([&] { return OpenFile::volume(firmware, fake.image.device); }));
    }
    CHECK(fake.outstanding() == 0);
}

TEST_CASE("pages and buffers come and go with their owners", "[firmware]") {
    FakeFirmware fake;
    const Firmware firmware(fake.table);
    {
        auto pages = Pages::allocate(firmware, 5000);
        REQUIRE(pages);
        CHECK(pages->bytes().size() == 2 * page_size);
        auto buffer = PoolBuffer::allocate(firmware, 10);
        REQUIRE(buffer);
        CHECK(buffer->bytes().size() == 10);
        Pages moved = std::move(*pages);
        auto other = Pages::allocate(firmware, 1);
        moved = std::move(*other);
        CHECK(fake.outstanding() == 3);
    }
    CHECK(fake.outstanding() == 0);
    CHECK(Pages::allocate(firmware, ~0ull).error() == Status::out_of_resources);
    CHECK(Pages::allocate(firmware, 1ull << 40).error() == Status::out_of_resources);
}

TEST_CASE("what is released stays", "[firmware]") {
    FakeFirmware fake;
    HostRange range;
    {
        auto pages = Pages::allocate(Firmware(fake.table), 1);
        range = pages->release();
    }
    CHECK(range.size == page_size);
    CHECK(fake.outstanding() == 1);
}

TEST_CASE("a device path that is matched in part is not found", "[firmware]") {
    FakeFirmware fake;
    fake.services.locate_device_path = [](const Guid*, const DevicePath**, Handle* handle) {
        *handle = nullptr;
        return Status::success;  // and the path is where it was
    };
    const InitrdMedia media;
    CHECK(Firmware(fake.table).locate_device(LoadFile2::guid, &media.vendor).error() ==
          Status::not_found);
}

TEST_CASE("text goes out as UTF-16 with carriage returns", "[firmware]") {
    FakeFirmware fake;
    TextOutputWriter console(fake.table);
    println(console, "cairn: {}", Status::not_found);
    CHECK(fake.said == u"cairn: EFI_NOT_FOUND\r\n");
    console.start_line();
    fake.console_mode.cursor_column = 3;
    console.start_line();
    CHECK(fake.said == u"cairn: EFI_NOT_FOUND\r\n\r\n");
    fake.table.console_out->mode = nullptr;
    console.start_line();
    fake.table.console_out = nullptr;
    TextOutputWriter nowhere(fake.table);
    nowhere.write("unheard");
    nowhere.start_line();
    CHECK(fake.said == u"cairn: EFI_NOT_FOUND\r\n\r\n");
}

TEST_CASE("files are read whole, in as many calls as it takes", "[firmware]") {
    FakeFirmware fake;
    fake.read_at_most = 3;
    {
        const auto volume = OpenFile::volume(Firmware(fake.table), fake.image.device);
        REQUIRE(volume);
        const auto file = volume->open(R"(\EFI\cairn\vms.cpio)");
        REQUIRE(file);
        CHECK(file->size() == fake.archive.size());
        std::array<std::byte, 10> bytes{};
        REQUIRE(file->read(bytes));
        CHECK(std::memcmp(bytes.data(), fake.archive.data(), bytes.size()) == 0);
        CHECK(file->read(bytes).error() == Status::end_of_file);
        CHECK(volume->open("elsewhere").error() == Status::not_found);
        CHECK(volume->open(std::string(300, 'x')).error() == Status::invalid_parameter);
        CHECK(fake.open_files == 2);
    }
    CHECK(fake.outstanding() == 0);
}
