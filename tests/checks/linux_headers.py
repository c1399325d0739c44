#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""SBI numbers, CSR numbers and fields, and trap causes against Linux's headers.

The headers come from Debian's linux-headers-*-common package: an installed one, the one in the
cache folder, or one downloaded there by apt (signature-checked, not installed). Without any, the
check says so and ends with status 77, which ctest shows as skipped.

Usage: linux_headers.py CACHE_FOLDER CLANG
"""
import re
import subprocess
import sys
from pathlib import Path

from facts import fields, rows
from tree import finish

CSR, SBI, PMU, CAUSE = ("kernel/arch/isa/csr.hpp", "kernel/arch/firmware/sbi.hpp", "kernel/arch/firmware/sbi_events.hpp", "kernel/arch/isa/trap_cause.hpp")
SKIPPED = 77
HEADERS = ("sbi.h", "csr.h")


def skip(reason):
    print(f"skipped: no second source: {reason}")
    sys.exit(SKIPPED)


# --- where the headers come from

def installed():
    for folder in sorted(Path("/usr/src").glob("linux-headers-*-common/arch/riscv/include/asm")):
        if all((folder / header).is_file() for header in HEADERS):
            return folder
    return None


def newest_package():
    found = subprocess.run(["apt-cache", "search", "--names-only", r"^linux-headers-[0-9].*-common$"],
                           capture_output=True, text=True, check=False).stdout
    names = [line.split()[0] for line in found.splitlines() if "-rt" not in line]
    return max(names, default=None, key=lambda name: [int(n) for n in re.findall(r"\d+", name)])


def download(cache):
    """Puts the two headers into `cache`."""
    cache.mkdir(parents=True, exist_ok=True)
    package = newest_package() or skip("apt knows no linux-headers-*-common")
    got = subprocess.run(["apt-get", "-q", "download", package], cwd=cache, capture_output=True,
                         text=True, check=False)
    archives = list(cache.glob(f"{package}_*.deb"))
    if got.returncode or not archives:
        skip(f"apt-get download {package} failed:\n{got.stderr}")
    tree = subprocess.run(["dpkg-deb", "--fsys-tarfile", archives[0]], capture_output=True,
                          check=True).stdout
    subprocess.run(["tar", "-x", "-C", cache, "--wildcards", "--strip-components=8"] +
                   [f"./usr/src/*/arch/riscv/include/asm/{header}" for header in HEADERS],
                   input=tree, check=True)
    for archive in archives:
        archive.unlink()


def header_folder(cache):
    folder = installed()
    if folder:
        return folder
    if not all((cache / header).is_file() for header in HEADERS):
        download(cache)
    return cache


# --- what they say

def preprocessed(clang, path, *flags):
    """`path` without its includes through the preprocessor, as for a 64-bit kernel."""
    source = re.sub(r"^#include.*$", "", path.read_text(), flags=re.M)
    return subprocess.run(
        [clang, "-E", "-P", "-undef", "-x", "c", "-D__riscv_xlen=64", "-DCONFIG_64BIT=1",
         "-DCONFIG_RISCV_SBI=1", "-DCONFIG_RISCV_SBI_V01=1", "-DIS_ENABLED(option)=0", *flags,
         "-"],
        input=source, capture_output=True, text=True, check=True).stdout


def constants(clang, folder):
    """Every #define and enumerator that is a number, {NAME: number}."""
    macros, values = {}, {"UL": 0, "ULL": 0}
    for header in HEADERS:
        for name, body in re.findall(r"^#define (\w+) (.+)$",
                                     preprocessed(clang, folder / header, "-dM"), re.M):
            macros[name] = body
        for enum in re.findall(r"\benum \w+ \{(.*?)\}", preprocessed(clang, folder / header), re.S):
            last = -1
            for entry in filter(None, map(str.strip, enum.split(","))):
                name, _, value = map(str.strip, entry.partition("="))
                last = int(value, 0) if value else last + 1
                values[name] = last

    def value(expression):
        """The value of a C expression of numbers, shifts, and the kernel's helper macros."""
        names = dict(values)
        for name in re.findall(r"[A-Za-z_]\w*", re.sub(r"\b0[xX][\da-fA-F]+", "", expression)):
            if name not in names and name in macros:
                names[name] = value(macros[name])
        names |= {"_AC": lambda number, _: number, "_ULL": lambda number: number,
                  "BIT": lambda bit: 1 << bit, "__builtins__": {},
                  "GENMASK": lambda high, low: ((1 << (high - low + 1)) - 1) << low}
        return eval(expression, names)  # pylint: disable=eval-used
    return values | macros, value


# --- ours beside theirs

CAUSE_WORDS = [("instruction", "INST"), ("address_misaligned", "MISALIGNED"),
               ("access_fault", "ACCESS")]
CAUSES = {"illegal_instruction": "EXC_INST_ILLEGAL", "ecall_from_u": "EXC_SYSCALL",
          "ecall_from_hs": "EXC_HYPERVISOR_SYSCALL", "ecall_from_vs": "EXC_SUPERVISOR_SYSCALL",
          "virtual_instruction": "EXC_VIRTUAL_INST_FAULT"}
INTERRUPT_WORDS = [("virtual_supervisor", "VS"), ("supervisor_guest_external", "S_GEXT"),
                   ("supervisor", "S"), ("machine", "M"), ("software", "SOFT"),
                   ("external", "EXT"), ("counter_overflow", "PMU_OVF")]
FUNCTIONS = {"BASE_GET_IMPL_ID": "BASE_GET_IMP_ID", "BASE_GET_IMPL_VERSION": "BASE_GET_IMP_VERSION",
             "BASE_PROBE_EXTENSION": "BASE_PROBE_EXT", "HSM_HART_GET_STATUS": "HSM_HART_STATUS",
             "SRST_SYSTEM_RESET": "SRST_RESET", "PMU_COUNTER_CONFIG_MATCHING": "PMU_COUNTER_CFG_MATCH",
             "SSE_REGISTER_EVENT": "SSE_EVENT_REGISTER", "SSE_UNREGISTER_EVENT": "SSE_EVENT_UNREGISTER",
             "SSE_ENABLE_EVENT": "SSE_EVENT_ENABLE", "SSE_DISABLE_EVENT": "SSE_EVENT_DISABLE",
             "SSE_COMPLETE": "SSE_EVENT_COMPLETE", "SSE_INJECT": "SSE_EVENT_INJECT",
             "SSE_READ_ATTRS": "SSE_EVENT_ATTR_READ", "SSE_WRITE_ATTRS": "SSE_EVENT_ATTR_WRITE"}
FIELDS = {
    "Sstatus": "SR_{}", "Hstatus": "HSTATUS_{}", "Henvcfg": "ENVCFG_{}", "Hgatp": "HGATP64_{}",
    "Hgatp.MODE": "15 << HGATP64_MODE_SHIFT", "Satp.PPN": "SATP_PPN",
    "Satp.MODE": "15 << SATP_MODE_SHIFT", "Satp.ASID": "SATP_ASID_MASK << SATP_ASID_SHIFT",
    "Scause.INTERRUPT": "CAUSE_IRQ_FLAG", "Scause.CODE": "CAUSE_IRQ_FLAG - 1",
    "Hip.VSSIP": "1 << IRQ_VS_SOFT", "Hip.VSTIP": "1 << IRQ_VS_TIMER",
    "Hip.VSEIP": "1 << IRQ_VS_EXT", "Hip.SGEIP": "1 << IRQ_S_GEXT", "Sip.SSIP": "1 << IRQ_S_SOFT",
    "Sip.STIP": "1 << IRQ_S_TIMER", "Sip.SEIP": "1 << IRQ_S_EXT", "Sip.LCOFIP": "1 << IRQ_PMU_OVF",
    "Hstateen0.IMSIC": "SMSTATEEN0_AIA_IMSIC", "Hstateen0.AIA": "SMSTATEEN0_AIA",
    "Hstateen0.CSRIND": "SMSTATEEN0_AIA_ISEL", "Hstateen0.ENVCFG": "SMSTATEEN0_HSENVCFG",
    "Hstateen0.SE0": "SMSTATEEN0_SSTATEEN0",
}
# What Linux 6.12 does not name. Anything else without a counterpart fails the check.
WITHOUT = re.compile(
    r"csr fcsr$|"
    r"field (Sstatus.(UBE|MXR|SPELP|SDT)|Hstatus.HUPMM|Henvcfg.(LPE|SSE|PMM|DTE|ADUE)|Stvec.MODE|"
    r"Counteren..*|Hstateen0.(C|FCSR|JVT|CTR|CONTEXT)|Fcsr..*)$|"
    r"exception (ecall_from_m|double_trap|software_check|hardware_error)$|"
    r"extension (cppc|nacl|sse|fwft|dbtr|mpxy)$|function (cppc|nacl|sse|fwft) |"
    r"function pmu event_get_info$|"
    r"error (invalid_state|bad_range|timeout|io|denied_locked)$")


def replaced(name, words):
    for ours, theirs in words:
        name = name.replace(ours, theirs)
    return name.upper()


def csr_pairs():
    for name, number in rows(CSR, "CAIRN_CSRS").items():
        yield f"csr {name}", number, f"CSR_{name.upper()}"
    for name, mask in fields(CSR).items():
        struct, field = name.split(".")
        pattern = FIELDS.get(name) or FIELDS.get(struct) or name
        yield f"field {name}", mask, pattern.format(field)


def cause_pairs():
    for name, number in rows(CAUSE, "CAIRN_EXCEPTIONS").items():
        theirs = CAUSES.get(name) or "EXC_" + replaced(name, CAUSE_WORDS)
        yield f"exception {name}", number, theirs
    for name, number in rows(CAUSE, "CAIRN_INTERRUPTS").items():
        yield f"interrupt {name}", number, "IRQ_" + replaced(name, INTERRUPT_WORDS)


def sbi_pairs():
    for name, number in rows(SBI, "CAIRN_SBI_EXTENSIONS").items():
        yield f"extension {name}", number, "SBI_EXT_" + name.upper().replace("LEGACY", "0_1")
    for extension in ("base time ipi rfence hsm srst pmu dbcn susp sta cppc nacl sse fwft").split():
        for name, number in rows(SBI, f"CAIRN_SBI_{extension.upper()}").items():
            theirs = f"{extension}_{name}".upper()
            yield f"function {extension} {name}", number, "SBI_EXT_" + FUNCTIONS.get(theirs, theirs)
    for name, number in rows(SBI, "CAIRN_SBI_ERRORS").items():
        theirs = {"success": "SBI_SUCCESS", "failed": "SBI_ERR_FAILURE"}
        yield f"error {name}", number, theirs.get(name, f"SBI_ERR_{name.upper()}")
    for name, number in rows(PMU, "CAIRN_SBI_FIRMWARE_EVENTS").items():
        theirs = name.upper().replace("RECEIVED", "RCVD")
        yield f"firmware event {name}", number, f"SBI_PMU_FW_{theirs}"
    for macro, prefix in (("HART_STATES", "SBI_HSM_STATE_"), ("RESET_TYPES", "SBI_SRST_RESET_TYPE_"),
                          ("RESET_REASONS", "SBI_SRST_RESET_REASON_")):
        for name, number in rows(SBI, f"CAIRN_SBI_{macro}").items():
            theirs = prefix + name.upper().replace("SYSTEM_FAILURE", "SYS_FAILURE")
            yield f"{macro.lower()} {name}", number, theirs


def main(cache, clang):
    folder = header_folder(Path(cache))
    known, value = constants(clang, folder)
    violations, compared = [], 0
    for ours, number, theirs in [*csr_pairs(), *cause_pairs(), *sbi_pairs()]:
        if any(name not in known for name in re.findall(r"[A-Z]\w+", theirs)):
            if not WITHOUT.match(ours):
                violations.append(f"{ours}: Linux has no {theirs}: give it another second source")
        elif value(theirs) != number:
            violations.append(f"{ours} is {number:#x}, Linux's {theirs} is {value(theirs):#x}")
        else:
            compared += 1
    print(f"{compared} constants agree with {folder}")
    finish(violations, "constants of specifications")


main(*sys.argv[1:])
