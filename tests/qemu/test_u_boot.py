# SPDX-License-Identifier: MIT
"""U-Boot, Debian's S-mode image, as a guest: a raw binary with a mind of its own about devices.

Debian 12 has version 2023.01, Debian 13 has 2025.01. Where their answers differ in looks, the tests
look for what both say.
"""
import re

import pytest

from cairn_machine import U_BOOT
from u_boot_session import PROMPT, ask, power_off, said_by_cairn, stop_autoboot

MEBI = 1 << 20

# What `sbi` calls the extensions that a guest of Cairn has. Of the legacy ones it asks for each.
EXTENSIONS = {
    "Set Timer", "Console Putchar", "Console Getchar", "Clear IPI", "System Shutdown",
    "SBI Base Functionality", "Timer Extension", "IPI Extension", "RFENCE Extension",
    "Hart State Management Extension", "System Reset Extension",
    "Performance Monitoring Unit Extension",
}
NEWER = { # U-Boot 2023.01 does not know them
    "Debug Console Extension", "System Suspend Extension", "Steal-time Accounting Extension",
    "Firmware Features Extension",
}


@pytest.fixture(name="u_boot")
def started_u_boot(guest):
    """Starts U-Boot and stops it before it tries to boot from anything: at its prompt."""
    def start(**options):
        assert U_BOOT.is_file(), f"no {U_BOOT}: install u-boot-qemu"
        m = guest(U_BOOT, **{"memory": "64M", **options})
        stop_autoboot(m)
        return m

    return start


def fields(text):
    """{name: text} of lines like `-> size     = 0x0000000004000000`; the first of a name counts."""
    found = {}
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if equals:
            found.setdefault(name.strip("-> "), value.strip())
    return found


@pytest.mark.parametrize("options", [
    pytest.param({}, id="default"),
    pytest.param({"memory": "512M"}, id="512M"),
    pytest.param({"machine_options": {"cpu": "rv64,sstc=false"}}, id="no-sstc"),
    pytest.param({"machine_options": {"smp": 4}}, id="4-harts"),
])
def test_prompt(u_boot, options):
    m = u_boot(**options)
    mebibytes = int(options.get("memory", "64M")[:-1])
    line = said_by_cairn(m)[-1]
    assert re.fullmatch(r"vm guest: its kernel 'kernel' has no header: a raw binary of [\d.]+ .iB, "
                        r"started at 0x80200000", line)
    assert "Model: cairn,virt\n" in m.log
    assert f"DRAM:  {mebibytes} MiB\n" in m.log
    assert re.match(r"U-Boot 20\d\d\.\d\d", ask(m, "version"))
    power_off(m)


def test_bdinfo(u_boot):
    info = fields(ask(u_boot(), "bdinfo"))
    number = {name: int(value, 16) for name, value in info.items() if value.startswith("0x")}
    assert (number["start"], number["size"]) == (0x8000_0000, 64 * MEBI)
    assert number["flashsize"] == 0
    assert 0x8000_0000 < number["relocaddr"] < 0x8000_0000 + 64 * MEBI
    assert info["devicetree"] == "board"
    assert info["Build"] == "64-bit"


def test_sbi(u_boot):
    answer = ask(u_boot(), "sbi")
    assert answer.startswith("SBI 3.0")
    listed = {line.strip() for line in answer.partition("Extensions:")[2].splitlines()} - {""}
    known = U_BOOT.read_bytes()
    assert listed == EXTENSIONS | {name for name in NEWER if name.encode() in known}
    # The machine's own ids, which QEMU makes of its version.
    ids = re.findall(r"^ +(Vendor|Architecture|Implementation) ID (\d+)$", answer, re.MULTILINE)
    assert [name for name, _ in ids] == ["Vendor", "Architecture", "Implementation"]


def test_efi_program(u_boot):
    """U-Boot's own, built into it: a PE image that asks for the console, the tree, and itself."""
    m = u_boot()
    for _ in range(2):  # memory is given back
        answer = ask(m, "bootefi hello")
        lines = [line.strip() for line in answer.splitlines()]
        for said in ["Hello, world!", "Have device tree", "Load options: <none>"]:
            assert said in lines
        assert re.search(r"^Running on UEFI 2\.\d+$", answer, re.MULTILINE)
    power_off(m)


@pytest.mark.parametrize("command", ["booti", "bootefi"])
def test_debian_booted_by_u_boot(u_boot, debian, tmp_path, command):
    """Kernel and initial RAM disk lie one behind the other in the initrd, for want of a disk."""
    kernel, ramdisk = (debian[name].read_bytes() for name in ("kernel", "initrd"))
    second = len(kernel) + -len(kernel) % 4096
    (tmp_path / "both").write_bytes(kernel.ljust(second, b"\0") + ramdisk)
    m = u_boot(memory="512M", initrd=tmp_path / "both", append="console=ttyS0")
    start = 0x8820_0000
    end = start + second + len(ramdisk)
    assert f"linux,initrd-start = <0x00000000 {start:#x}>" in ask(m, "fdt print /chosen")
    if command == "booti":
        m.send_line(f"booti {start:x} {start + second:x}:{len(ramdisk):x} ${{fdtcontroladdr}}")
    else:
        ask(m, f"fdt set /chosen linux,initrd-start <0 {start + second:#x}>")
        ask(m, f"fdt set /chosen linux,initrd-end <0 {end:#x}>")
        m.send_line(f"bootefi {start:x}:{len(kernel):x} ${{fdtcontroladdr}}")
        m.expect("EFI stub: Booting Linux Kernel...")
        m.expect("efi: EFI v2.* by Das U-Boot")
    m.expect("guest:~# ")
    m.send_line("poweroff")
    m.expect("reboot: Power down")
    assert m.wait_exit() == 0
    assert said_by_cairn(m)[2:] == ["vm guest: powered off"]


def test_nothing_to_boot_from(guest):
    """Left alone, U-Boot looks for disks and networks; there are none, and no access goes astray."""
    m = guest(U_BOOT, memory="64M")
    m.expect("Hit any key to stop autoboot")
    m.expect(PROMPT)
    for command in ["virtio scan", "pci enum", "pci", "scsi scan", "nvme scan"]:
        assert "Device" not in ask(m, command)
    assert ask(m, "flinfo").count("missing or unknown FLASH type") == 2
    assert "Flash:" not in m.log and "exception" not in m.log
    power_off(m)
    assert not any("access fault" in line for line in said_by_cairn(m))


def test_device_tree(u_boot):
    """What U-Boot was told: every device of the tree is there, and nothing else is in it."""
    m = u_boot(append="one=1 two=2")
    assert ask(m, "fdt print /chosen bootargs") == 'bootargs = "one=1 two=2"'
    assert ask(m, "fdt print /memory@80000000 reg") == (
        "reg = <0x00000000 0x80000000 0x00000000 0x04000000>")
    nodes = re.findall(r"^\t([\w@]+) {", ask(m, "fdt list /soc"), re.MULTILINE)
    assert nodes == ["test@100000", "plic@c000000", "serial@10000000", "rtc@101000",
                     *(f"virtio_mmio@1000{slot}000" for slot in range(8, 0, -1))]
    for read in ["md.l 100000 1", "md.l c000000 1", "md.l c5ffffc 1", "md.b 10000000 8", "md.l 10001000 4"]:
        assert re.match(r"[0-9a-f]{8}: ", ask(m, read))
    drivers = ask(m, "dm tree")
    for driver in ["ns16550_serial", "riscv_timer", "sbi-sysreset", "syscon_reboot", "riscv_cpu"]:
        assert driver in drivers
    power_off(m)


@pytest.mark.parametrize("command, exception, address", [
    pytest.param("md.l 20000000 1", "Load access fault", 0x2000_0000, id="flash"),
    pytest.param("mw.l 30000000 1", "Store/AMO access fault", 0x3000_0000, id="pci"),
    pytest.param("md.l 10001200 1", "Load access fault", 0x1000_1200, id="behind-virtio"),
    pytest.param("mw.b 84000000 1", "Store/AMO access fault", 0x8400_0000, id="end-of-memory"),
])
def test_access_to_nothing(u_boot, command, exception, address):
    """The fault that the architecture prescribes; U-Boot names it, and starts itself again."""
    m = u_boot()
    m.send_line(command)
    m.expect(f"Unhandled exception: {exception}")
    m.expect(rf"TVAL: {address:016x}")
    m.expect("resetting ...")
    m.expect("vm guest: reset")
    stop_autoboot(m)
    assert f" at {address:#x} " in said_by_cairn(m)[2]
    power_off(m)


def test_reset_begins_anew(u_boot):
    m = u_boot()
    ask(m, "setenv marker here")
    ask(m, "mw.l 82000000 cafebabe 4")
    assert "cafebabe cafebabe" in ask(m, "md.l 82000000 4")
    m.send_line("reset")
    m.expect("vm guest: reset")
    stop_autoboot(m)
    assert 'Error: "marker" not defined' in ask(m, "printenv marker")
    assert "00000000 00000000 00000000 00000000" in ask(m, "md.l 82000000 4")
    power_off(m)


def test_clock_runs(u_boot):
    """`sleep` waits on `time`; a guest whose clock stood still would wait for ever."""
    m = u_boot()
    assert ask(m, "sleep 1") == ""
    power_off(m)
