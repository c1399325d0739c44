// SPDX-License-Identifier: MIT
#include "kernel/uefi/arrival.hpp"

#include <memory>

#include "tests/unit/fake_firmware.hpp"

using namespace cairn;
using namespace cairn::uefi;

namespace {

constexpr HostRange own{{0x9000'0000}, 0x1'0000};

/// One start from a firmware.
struct Start {
    explicit Start(FakeFirmware& fake)
        : outcome(arrive(*arrival, Firmware(fake.table), &fake.image, own)) {}

    [[nodiscard]] std::string said() const {
        FixedBuffer<300> text;
        print(text, "{}", outcome.error());
        return std::string(text.view());
    }
    [[nodiscard]] std::string archive() const {
        const HostRange where = *arrival->door.archive;
        // NOLINTNEXTLINE(performance-no-int-to-ptr)
        return {reinterpret_cast<const char*>(where.base.value), where.size};
    }

    std::unique_ptr<Arrival> arrival = std::make_unique<Arrival>();
    Outcome<void> outcome;
};

std::string refused(FakeFirmware& fake, Status status) {
    const Start start(fake);
    REQUIRE_FALSE(start.outcome);
    CHECK(start.outcome.error().status() == status);
    CHECK_FALSE(fake.exited);
    CHECK(fake.outstanding() == 0);
    return start.said();
}

constexpr std::size_t kept = 3;  // heap, archive and the last map's buffer

void check_arrived(const FakeFirmware& fake, const Start& start) {
    REQUIRE(start.outcome);
    CHECK(fake.exited);
    CHECK_FALSE(fake.called_after_exit);
    CHECK(fake.outstanding() == kept);
    const Door& door = start.arrival->door;
    CHECK(door.own == OwnMemory{own, door.heap});
    CHECK(door.memory.size() == 2);
    CHECK(start.archive() == fake.archive);
    CHECK(start.arrival->device_tree == static_cast<const std::byte*>(fake.table.tables[1].table));
}

}  // namespace

TEST_CASE("everything is taken, and Boot Services are left", "[arrival]") {
    FakeFirmware fake;
    fake.set_load_options(u"heap=64K gstage=sv39x4");
    const Start start(fake);
    check_arrived(fake, start);
    CHECK(start.arrival->boot_hart == 3);
    CHECK(start.arrival->door.heap.size == 64 << 10);
    CHECK(start.arrival->door.command_line == "heap=64K gstage=sv39x4");
}

TEST_CASE("whichever call fails, nothing leaks and the status is named", "[arrival]") {
    for (const bool initrd : {false, true}) {
        for (const Status status :
             {Status::device_error, Status::out_of_resources, Status::not_found,
              Status::invalid_parameter, Status::access_denied, Status::aborted}) {
            std::size_t failures = 0;
            for (std::size_t call = 1;; ++call) {
                FakeFirmware fake;
                fake.has_initrd = initrd;
                fake.set_load_options(u"heap=64K");
                fake.fail_at = call;
                fake.failure = status;
                const Start start(fake);
                if (fake.calls < call) break;  // it has none so late
                INFO(fake.names[call - 1] << ", call " << call);
                if (start.outcome) {
                    // There was another way: an initrd that is not offered is a file, and a map
                    // that was not accepted is taken again.
                    const bool again = status == Status::invalid_parameter &&
                                       fake.names[call - 1] == "ExitBootServices";
                    CHECK((fake.names[call - 1] == "LocateDevicePath" || again));
                    check_arrived(fake, start);
                    continue;
                }
                ++failures;
                CHECK(start.outcome.error().status() == status);
                CHECK(start.said().ends_with(": " + std::string(to_string(status))));
                CHECK(start.said().size() > to_string(status).size() + 10);
                CHECK_FALSE(fake.exited);
                CHECK(fake.outstanding() == 0);
            }
            CHECK(failures >= 9);
        }
    }
}

TEST_CASE("the boot hart is in the tree where no protocol says it", "[arrival]") {
    FakeFirmware fake;
    fake.has_riscv_boot = false;
    fake.set_load_options(u"heap=64K");
    CHECK(refused(fake, Status::not_found) ==
          "which hart boots (RISCV_EFI_BOOT_PROTOCOL; boot-hartid in /chosen): EFI_NOT_FOUND");
    fake.tree_hart = 7;
    fake.write_tree({});
    const Start start(fake);
    check_arrived(fake, start);
    CHECK(start.arrival->boot_hart == 7);
}

TEST_CASE("without load options the tree's bootargs count", "[arrival]") {
    FakeFirmware fake;
    fake.write_tree("heap=128K");
    {
        const Start start(fake);
        check_arrived(fake, start);
        CHECK(start.arrival->door.heap.size == 128 << 10);
    }
    FakeFirmware other;
    other.write_tree("heap=128K");
    other.set_load_options(u"heap=64K");
    const Start start(other);
    CHECK(start.arrival->door.heap.size == 64 << 10);
}

TEST_CASE("a heap that the firmware does not have is refused by name", "[arrival]") {
    FakeFirmware fake;
    CHECK(refused(fake, Status::out_of_resources) ==
          "a heap of 104857600 bytes: EFI_OUT_OF_RESOURCES");
    fake.set_load_options(u"heap=1T");
    CHECK(refused(fake, Status::out_of_resources) ==
          "a heap of 1099511627776 bytes: EFI_OUT_OF_RESOURCES");
    fake.set_load_options(u"heap=4095");
    CHECK(refused(fake, Status::invalid_parameter) ==
          "boot option heap=4095: not even a page: EFI_INVALID_PARAMETER");
}

TEST_CASE("a wrong boot option is refused before anything is taken", "[arrival]") {
    FakeFirmware fake;
    fake.set_load_options(u"heap=64K gstage=sv32x4");
    CHECK(refused(fake, Status::invalid_parameter) ==
          "boot option 'gstage=sv32x4': expected gstage=sv39x4, gstage=sv48x4 or gstage=sv57x4: "
          "EFI_INVALID_PARAMETER");
    fake.set_load_options(u"verbose");
    CHECK(refused(fake, Status::invalid_parameter) ==
          "boot option 'verbose': expected heap=SIZE, quota=SIZE, gstage=MODE, scrub=WHAT, "
          "turn=MS, exits=count or crash=HOW; or archive=PATH: EFI_INVALID_PARAMETER");
    fake.set_load_options(u"heap=64K heap=128K");
    CHECK(refused(fake, Status::invalid_parameter) ==
          "boot option 'heap=128K': expected heap= only once: EFI_INVALID_PARAMETER");
    fake.set_load_options(u"archive=/a archive=/b");
    CHECK(refused(fake, Status::invalid_parameter) ==
          R"(boot option 'archive=\a': expected archive= only once: EFI_INVALID_PARAMETER)");
    fake.set_load_options(u"archive=");
    CHECK(refused(fake, Status::invalid_parameter) ==
          "the command line: archive= or initrd= without a path: EFI_INVALID_PARAMETER");
    fake.set_load_options(std::u16string(3000, u'x'));
    CHECK(refused(fake, Status::bad_buffer_size).starts_with("the command line: "));
    CHECK(std::ranges::count(fake.names, "AllocatePages") == 0);
}

TEST_CASE("the archive: named, offered, or the default", "[arrival]") {
    FakeFirmware fake;
    fake.set_load_options(u"heap=64K archive=/vm/mine.cpio");
    CHECK(refused(fake, Status::not_found) == R"(the VM archive \vm\mine.cpio: EFI_NOT_FOUND)");
    fake.has_initrd = true;  // what is named comes first
    CHECK(refused(fake, Status::not_found) == R"(the VM archive \vm\mine.cpio: EFI_NOT_FOUND)");
    fake.archive_path = u"\\vm\\mine.cpio";
    fake.has_initrd = false;
    {
        const Start start(fake);
        check_arrived(fake, start);
        CHECK(start.arrival->door.command_line == "heap=64K");
    }
    FakeFirmware none;
    none.set_load_options(u"heap=64K");
    none.archive_path = u"elsewhere";
    CHECK(refused(none, Status::not_found) ==
          R"(the VM archive \EFI\cairn\vms.cpio: EFI_NOT_FOUND)");
    none.set_load_options(u"heap=64K initrd=initrd");
    CHECK(refused(none, Status::not_found) == "the VM archive initrd: EFI_NOT_FOUND");
    none.set_load_options(u"initrd=/a initrd=/b heap=64K");
    CHECK(refused(none, Status::invalid_parameter) ==
          R"(boot option 'initrd=\a': expected initrd= only once: EFI_INVALID_PARAMETER)");
}

TEST_CASE("what a boot loader offers comes before initrd=", "[arrival]") {
    // One that offers several files as one names each of them too.
    for (const char16_t* options : {u"heap=64K initrd=initrd", u"initrd=/a initrd=/b heap=64K"}) {
        FakeFirmware fake;
        fake.has_initrd = true;
        fake.archive_path = u"elsewhere";
        fake.set_load_options(options);
        const Start start(fake);
        check_arrived(fake, start);
    }
}

TEST_CASE("an empty archive is refused", "[arrival]") {
    FakeFirmware fake;
    fake.archive.clear();
    fake.set_load_options(u"heap=64K");
    CHECK(refused(fake, Status::end_of_file) ==
          R"(the VM archive \EFI\cairn\vms.cpio is empty: EFI_END_OF_FILE)");
    fake.has_initrd = true;
    CHECK(refused(fake, Status::end_of_file) ==
          "the VM archive that the boot loader offers is empty: EFI_END_OF_FILE");
}

TEST_CASE("an archive without room is refused", "[arrival]") {
    FakeFirmware fake;
    fake.ram_pages = 16;
    fake.archive.assign(17 * page_size, 'a');
    fake.set_load_options(u"heap=64K");
    CHECK(refused(fake, Status::out_of_resources) ==
          R"(69632 bytes for the VM archive \EFI\cairn\vms.cpio: EFI_OUT_OF_RESOURCES)");
}

TEST_CASE("firmware without a usable tree is refused", "[arrival]") {
    FakeFirmware fake;
    fake.table.table_count = 1;
    CHECK(refused(fake, Status::not_found) ==
          "a device tree among the firmware's tables (QEMU: -machine acpi=off): EFI_NOT_FOUND");
    fake.table.table_count = 2;
    std::array<std::byte, 64> garbage{};
    garbage.fill(std::byte{0xff});
    const ConfigurationTable tables[] = {{device_tree_table, nullptr},
                                         {device_tree_table, garbage.data()}};
    fake.table.tables = tables;
    CHECK(refused(fake, Status::not_found).starts_with("a device tree"));
    const ConfigurationTable other[] = {{device_tree_table, garbage.data()},
                                        {device_tree_table, nullptr}};
    fake.table.tables = other;
    CHECK(refused(fake, Status::incompatible_version).starts_with("the firmware's device tree: "));
}
