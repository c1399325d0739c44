# SPDX-License-Identifier: MIT
"""What tests of the monitor share: VMs of the demo guest, and typing at the prompt."""
import json
import re

from cairn_machine import MARK, guest_image, write_archive

ESCAPE = "\x1d"
PROMPT = r"cairn> "


def demo_vms(path, names, kernel="demo", **keys):
    """An archive of VMs of the demo guest, or another; further keys of their vm.conf by name: {"a": {...}}."""
    entries = {}
    for name in names:
        lines = {"kernel": "kernel", "memory": "8M", "append": f"I am {name}", **keys.get(name, {})}
        entries[f"{name}/vm.conf"] = "".join(f"{key} = {value}\n" for key, value in lines.items())
        entries[f"{name}/kernel"] = guest_image(kernel)
    return write_archive(path, entries)


def to_monitor(m):
    m.send(ESCAPE)
    m.expect("monitor: ")
    m.expect(PROMPT)


def command(m, line, answer):
    """Types a line at the prompt, and waits for what it says."""
    m.send(line + "\r")
    return m.expect(answer)


def records(m, line):
    """The answer of a command with --json, object by object."""
    m.send(f"{line} --json\r")
    m.expect(r'\{"kind":"end",[^\n]*\n')
    text = (m.process.before + m.process.after).replace("\r", "").replace(MARK, "")
    m.expect(PROMPT)
    return [json.loads(each) for each in re.findall(r"^\{.*\}$", text, re.MULTILINE)]


def of_kind(objects, kind):
    return [each for each in objects if each["kind"] == kind]
