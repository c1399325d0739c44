# SPDX-License-Identifier: MIT
"""The guest that measures exits (tools/measure_exits.py) runs to its end. What it measures is not
looked at: speed is no test."""
import pytest

from cairn_machine import guest_image

FIGURES = ["calibration", "sbi-base", "set-timer", "probe", "hart-status", "unknown-extension",
           "remote-fence", "ipi-taken", "plic-read", "plic-read-compressed", "plic-write",
           "page-start-read", "page-start-write", "uart-read", "uart-write", "illegal-csr",
           "timer-taken", "uart-output", "dbcn-64", "first-touch", "wfi"]

LONGEST = ["event-info-8", "dbcn-4096", "config-matching", "start-all", "stop-all",
           "fence-16-pages", "plic-enable", "nowhere"]
