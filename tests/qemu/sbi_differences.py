# SPDX-License-Identifier: MIT
"""Where OpenSBI's answers differ from the specification's text, by version, as the guest names its checks; the
sentences are those of docs/sbi-conformance.md. What is said of the specification is its version 3.0."""
from typing import NamedTuple


class Difference(NamedTuple):
    text: str
    names: list


class Firmware(NamedTuple):
    extensions: list
    differences: list
    is_version_1: bool  # of the specification


def names(functions, cases):
    return [f"{function}: {case}" for function in functions for case in cases]


FENCES = [f"RFENCE remote_{function}" for function in
          ("fence_i", "sfence_vma", "sfence_vma_asid", "hfence_gvma_vmid", "hfence_gvma",
           "hfence_vvma_asid", "hfence_vvma")]
BEYOND = ["one hart too many", "mask -1 at base 0", "a good and a bad hart"]
COUNTER = ["PMU cycles", "PMU instructions"]
FLAGS = names(["PMU counter_config_matching"],
              ["flag 8, reserved", "flag 31, reserved", "flag 63, reserved"]) + \
        names(["PMU counter_start", "PMU counter_stop"],
              ["flag 2, reserved", "flag 31, reserved", "flag 63, reserved"])

HART_ID = Difference(
    "HSM: a hart id of which the low 32 bits name a hart must be refused (INVALID_PARAM); they are looked at alone",
    names(["HSM hart_get_status", "HSM hart_start"], ["hart 2^32 and its own id"]))
SUSPEND_TYPE = Difference(
    "HSM hart_suspend: a platform's type that is not implemented is INVALID_PARAM; it answers NOT_SUPPORTED",
    names(["HSM hart_suspend"], [f"type {number}, of a platform" for number in
                                 ("0x10000000", "0x7fffffff", "0x90000000", "0xffffffff")]))
START_SUSPENDED = Difference(
    "HSM hart_start: a suspended hart is ALREADY_AVAILABLE; it answers INVALID_PARAM, which is for harts that cannot be started",
    ["HSM hart_start: a suspended hart"])
CLEAR_IPI = Difference(
    "legacy clear_ipi: a positive value if an IPI was pending; it is 0 always",
    ["legacy clear_ipi: a pending one: a positive value"])
PMU_FLAGS = Difference(
    "PMU: reserved flags are INVALID_PARAM; they are ignored", FLAGS)
PMU_RUNNING = Difference(
    "PMU: a counter that was never started does not count and can be cleared; `cycle` and `instret` run since reset",
    names(COUNTER, ["cleared when it is configured", "does not count before it is started",
                    "stop of a stopped counter"]))
PMU_FIRMWARE_STATE = Difference(
    "PMU: start of a started counter is ALREADY_STARTED, stop of a stopped one ALREADY_STOPPED; "
    "firmware counters answer SUCCESS",
    ["PMU firmware event set timer: stop of a stopped counter",
     "PMU firmware event set timer: start of a started counter"])

OPENSBI_1_1 = Firmware(
    extensions=["BASE", "TIME", "IPI", "RFENCE", "HSM", "SRST", "PMU"],
    differences=[
        Difference("hart masks: a bit beyond the last hart is INVALID_PARAM; it is ignored while the base is a hart",
                   names(["sPI send_ipi", *FENCES], BEYOND) + ["sPI send_ipi: bit 63"]),
        Difference("hart masks: the base need not be a hart when bit 0 is not set; it is INVALID_PARAM",
                   names(["sPI send_ipi", *FENCES], ["mask 0 at a base beyond the harts"]) +
                   ["sPI send_ipi: mask 0 at base -2"]),
        HART_ID, SUSPEND_TYPE, START_SUSPENDED,
        Difference("PMU: a set with a counter that does not exist is INVALID_PARAM; the mask is shifted by the "
                   "base, where bits get lost",
                   names(["PMU counter_config_matching"],
                         ["base 2^63", "base -1, wrapping around to counter 0"])),
        Difference("PMU: reserved firmware events are NOT_SUPPORTED; they get a counter",
                   names(["PMU counter_config_matching"],
                         ["firmware event 22, reserved", "firmware event 255, reserved"])),
        PMU_FLAGS, PMU_RUNNING, PMU_FIRMWARE_STATE, CLEAR_IPI],
    is_version_1=True)

OPENSBI_1_6 = Firmware(
    extensions=["BASE", "TIME", "IPI", "RFENCE", "HSM", "SRST", "DBCN", "PMU", "SSE", "FWFT", "DBTR"],
    differences=[
        Difference("hart masks: harts that do not exist are INVALID_PARAM; they are ignored",
                   names(["sPI send_ipi", *FENCES], [*BEYOND, "base beyond the harts, bit 0"]) +
                   names(FENCES, ["base -2, bit 0"]) +
                   names(["sPI send_ipi"], ["bit 63", "base 2^63", "base -2",
                                            "base -2, hart ids that wrap around to hart 0"])),
        HART_ID, SUSPEND_TYPE, START_SUSPENDED,
        Difference("PMU: a set with a counter that does not exist is INVALID_PARAM; base -1 wraps around to counter 0",
                   names([f"PMU counter_{function}" for function in ("config_matching", "start", "stop")],
                         ["base -1, wrapping around to counter 0"])),
        PMU_FLAGS, PMU_RUNNING, PMU_FIRMWARE_STATE,
        Difference("PMU counter_fw_read_hi: a counter that does not exist is INVALID_PARAM; it answers SUCCESS",
                   ["PMU counter_fw_read_hi: no counter"]),
        Difference("PMU event_get_info: says whether an event is supported; it says no to all firmware events",
                   names(["PMU event_get_info, as counter_config_matching has it"],
                         ["firmware event 5", "firmware event 6"])),
        Difference("PMU event_get_info: a reserved bit of event_idx is INVALID_PARAM; it answers SUCCESS",
                   ["PMU event_get_info: a reserved bit of event_idx"]),
        Difference("SSE hart_mask and hart_unmask: ALREADY_STOPPED when masked, ALREADY_STARTED when unmasked; "
                   "they answer the other way round",
                   ["SSE hart_mask: masked initially", "SSE hart_mask: masked", "SSE hart_unmask: unmasked"]),
        Difference("SSE write_attrs: a read-only attribute is DENIED; it is BAD_RANGE",
                   ["SSE write_attrs: a read-only attribute"]),
        Difference("FWFT set: a locked feature is DENIED_LOCKED (since SBI 3.0); it is DENIED",
                   names(["FWFT set MISALIGNED_EXC_DELEG"],
                         ["the same value when locked", "another value when locked"])),
        Difference("DBTR set_shmem: flags, alignment and address are to be checked; they are not, and a second call "
                   "is ALREADY_AVAILABLE until memory is given back",
                   names(["DBTR set_shmem"], ["flags", "not 8-byte aligned", "high word 1", "behind RAM"])),
        Difference("DBTR read, install and update: too many triggers are BAD_RANGE; they are INVALID_PARAM, FAILED "
                   "and SUCCESS",
                   names(["DBTR read_triggers"], ["the trigger after the last", "trigger -1", "a trigger too many"]) +
                   names(["DBTR install_triggers", "DBTR update_triggers"], ["too many"])),
        Difference("DBTR uninstall, enable and disable: triggers that do not exist or are not mapped are "
                   "INVALID_PARAM; they are ignored (uninstall: the former alone)",
                   names(["DBTR uninstall_triggers", "DBTR enable_triggers", "DBTR disable_triggers"],
                         ["the trigger after the last", "base -1"]) +
                   names(["DBTR enable_triggers", "DBTR disable_triggers"], ["a trigger that is not mapped"])),
        CLEAR_IPI],
    is_version_1=False)

VERSIONS = {"1.1": OPENSBI_1_1, "1.6": OPENSBI_1_6}

# What the guest is not asked to do on OpenSBI with everything else: a hart or the machine is lost.
RISKS = {
    "hsm-address": "hart_start and non-retentive hart_suspend at addresses outside RAM: accepted, and the hart is lost",
    "dbcn-address": "console_write and console_read outside RAM: the call does not come back",
    "pmu-address": "event_get_info outside RAM: the call does not come back",
}
