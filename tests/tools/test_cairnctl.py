# SPDX-License-Identifier: MIT
"""tools/cairnctl before a machine that a test plays: statuses, sentences, and who was there before."""
import contextlib
import os
import pty
import re
import signal
import socket
import subprocess
import tempfile
import termios
import threading
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CAIRNCTL = ROOT / "tools/cairnctl"
HELLO = '{"kind":"hello","protocol":1}\n'
VM = '{"kind":"vm","front":true,"name":"web","cpus":2,"memory":268435456,"state":"%s"}\n'


def end(command, ok="true"):
    return f'{{"kind":"end","command":"{command}","ok":{ok}}}\n'


@pytest.fixture
def folder():
    """Close to the root, for paths of sockets are short."""
    with tempfile.TemporaryDirectory(prefix="cairn-") as name:
        yield Path(name)


@contextlib.contextmanager
def machine(folder, *conversation, vm=None, greeting=HELLO):
    """Serves one client: says the greeting, then for each (what is heard, what is said). What was heard
    is in the list that it gives."""
    path = folder / (f"vm.{vm}.sock" if vm else "monitor.sock")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen(1)
    listener.settimeout(30)
    heard = []

    def serve():
        client, _ = listener.accept()
        with client, contextlib.suppress(OSError):
            client.settimeout(30)
            client.sendall(greeting.encode())
            for answer in conversation:
                heard.append(client.recv(65536).decode())
                if callable(answer):
                    return answer(client)
                client.sendall(answer.encode())
            while client.recv(65536):
                pass
        return None

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield heard
    finally:
        thread.join(30)
        listener.close()


def cairnctl(folder, *arguments, text=""):
    done = subprocess.run([CAIRNCTL, "--dir", folder, "--timeout", "5", *arguments], input=text, text=True,
                          capture_output=True, timeout=60, check=False)
    return done.returncode, done.stdout, done.stderr


def test_records_become_a_table(folder):
    with machine(folder, VM % "running" + end("list")) as heard:
        status, output, errors = cairnctl(folder, "list")
    assert (status, errors, heard) == (0, "", ["list\n"])
    assert output == "front  name  cpus  memory   state\ntrue   web   2     256 MiB  running\n"


def test_json_is_passed_on_without_the_end(folder):
    with machine(folder, VM % "off" + end("list")):
        assert cairnctl(folder, "list", "--json") == (0, VM % "off", "")


def test_what_belongs_to_somebody_else_is_passed_over(folder):
    before = 'ame":"x"}\n{"kind":"end","command":"stop","ok":false}\n' + HELLO[:9] + "\n"
    with machine(folder, VM % "off" + end("list"), greeting=before + HELLO):
        assert cairnctl(folder, "list", "--json")[:2] == (0, VM % "off")


def test_what_is_refused(folder):
    error = '{"kind":"error","subject":"web","message":"it is off"}\n'
    with machine(folder, error + end("stop", "false")) as heard:
        assert cairnctl(folder, "stop", "web") == (1, "", "cairnctl: web: it is off\n")
    assert heard == ["stop web\n"]


def test_several_vms_and_their_states(folder):
    with machine(folder, end("stop"), VM % "running" + end("list"), VM % "off" + end("list")) as heard:
        assert cairnctl(folder, "stop", "--wait", "web") == (0, "", "")
    assert heard == ["stop web\n", "list\n", "list\n"]


@pytest.mark.parametrize("states, goal, commands, said", [
    (["off"], "off", [], "unchanged"),
    (["paused"], "running", ["resume web"], "changed"),
    (["loading", "running", "running"], "running", [], "unchanged"),
])
def test_ensure(folder, states, goal, commands, said):
    conversation = [VM % state + end("list") for state in states]
    for command in commands:
        conversation += [end(command), VM % goal + end("list")]
    with machine(folder, *conversation) as heard:
        assert cairnctl(folder, "ensure", "web", goal)[:2] == (0, said + "\n")
    assert [line.strip() for line in heard if line != "list\n"] == commands


@pytest.mark.parametrize("arguments, line", [
    (["balloon", "web"], "balloon web"),
    (["balloon", "web", "128M"], "balloon web 128M"),
    (["dump", "web", "host:0/1"], "dump web host:0/1"),
    (["mem", "web", "map"], "mem web map"),
    (["mem", "web.0", "0x80000000", "16"], "mem web.0 0x80000000 16"),
    (["trace", "web", "on", "64"], "trace web on 64"),
    (["heap", "map"], "heap map"),
    (["stats"], "stats"),
    (["top", "0"], "top 0"),
])
def test_what_is_passed_on(folder, arguments, line):
    with machine(folder, end(arguments[0])) as heard:
        assert cairnctl(folder, *arguments) == (0, "", "")
    assert heard == [line + "\n"]


def test_every_command_of_the_monitors_is_there():
    """But for what is about the serial line and who sits there: gdb has channels of its own."""
    text = (ROOT / "kernel/manager/commands/command_rows.cpp").read_text()
    rows = re.findall(r'\bCommand\{\s*"(\w+)\\0([^"\\]*)\\0', text)
    assert len(rows) == len(re.findall(r"\bCommand\{", text)) > 20
    usage = {"start": "VM [VM ...]", "stop": "VM [VM ...]", "reset": "VM [VM ...]", "pause": "VM [VM ...]",
             "resume": "VM [VM ...]"} # of several VMs at once
    for name, arguments in rows:
        done = subprocess.run([CAIRNCTL, name, "--help"], text=True, capture_output=True, check=False,
                              env=os.environ | {"COLUMNS": "200"})
        if name in ("help", "gdb", "set"):
            assert done.returncode == 2 and "invalid choice" in done.stderr, name
            continue
        said = re.match(rf"usage: cairnctl {name} \[-h\]((?: \[--.*?\])*)(?: (.*))?\n", done.stdout)
        assert said and (said[2] or "").replace("[ACTION] [N]", "[ACTION [N]]") == usage.get(name, arguments), name


def test_what_may_take_long(folder):
    """A core of a large VM is written as long as that takes, unless it is said how long it may."""
    text = subprocess.run([CAIRNCTL, "--help"], text=True, capture_output=True, check=True).stdout
    assert re.search(r"console,\s+dump:\s+for ever", text)


def test_a_state_that_does_not_come_in_time(folder):
    """It has said which state it is in, however late the last look was."""
    with machine(folder, VM % "paused" + end("list"), lambda client: client.recv(1)):
        status, _, errors = cairnctl(folder, "--timeout", "0.5", "wait", "web", "running")
    assert (status, errors) == (4, "cairnctl: web: it is paused after 0.5 s, and not running\n")
    (folder / "monitor.sock").unlink()
    with machine(folder, *[VM % "running" + end("list")] * 100):
        status, _, errors = cairnctl(folder, "--timeout", "0.5", "wait", "web2", "off")
    assert (status, errors) == (4, "cairnctl: web2: it is not there after 0.5 s, and not off\n")
    (folder / "monitor.sock").unlink()
    with machine(folder, end("stop"), VM % "running" + end("list"), lambda client: client.recv(1)):
        status, _, errors = cairnctl(folder, "--timeout", "0.5", "stop", "--wait", "web")
    assert (status, errors) == (4, "cairnctl: web: it is running after 0.5 s, and not off\n")


def test_a_vm_that_ends_instead_of_running(folder):
    with machine(folder, end("start"), VM % "loading" + end("list"), VM % "off" + end("list")):
        assert cairnctl(folder, "start", "--wait", "web") == (1, "", "cairnctl: web: it is off, and not running\n")


def test_nobody_listens(folder):
    status, _, errors = cairnctl(folder, "list")
    assert status == 3 and errors.startswith(f"cairnctl: there is no socket '{folder}/monitor.sock'")
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(folder / "monitor.sock"))
    assert cairnctl(folder, "list") == (3, "", f"cairnctl: nobody listens at '{folder}/monitor.sock': the machine has ended\n")
    (folder / "vm.a.sock").write_text("")
    assert cairnctl(folder, "console", "a")[0] == 3


@pytest.mark.parametrize("answer, sentence", [
    (lambda client: client.sendall(b'{"kind":"vm"'), "the machine has ended, or has closed"),
    ("OpenSBI v1.1\n", "is no monitor's: 'OpenSBI v1.1'"),
    ('["kind"]\n', "is no monitor's"),
    ('{"kind":5}\n', "is no monitor's"),
], ids=["leaves", "text", "list", "number"])
def test_answers_that_are_none(folder, answer, sentence):
    with machine(folder, answer):
        status, _, errors = cairnctl(folder, "list")
    assert status == 3 and sentence in errors


def test_another_protocol(folder):
    with machine(folder, greeting='{"kind":"hello","protocol":9}\n'):
        status, _, errors = cairnctl(folder, "list")
    assert status == 3 and "knows protocol 1" in errors


@pytest.mark.parametrize("greeting", ["", HELLO], ids=["silent", "greets"])
def test_no_answer_in_time(folder, greeting):
    with machine(folder, *([lambda client: client.recv(1)] if greeting else []), greeting=greeting):
        status, _, errors = cairnctl(folder, "--timeout", "0.3", "list")
    assert status == 4 and "no answer within 0.3 s" in errors


def test_options_before_and_behind_the_command(folder):
    with machine(folder, VM % "off" + end("list")):
        assert cairnctl("/nowhere", "list", "--json", "--dir", str(folder), "--timeout=7")[:2] == (0, VM % "off")
    (folder / "monitor.sock").unlink()
    with machine(folder, greeting=""):
        status, _, errors = cairnctl(folder, "list", "--timeout", "0.2")
    assert status == 4 and "within 0.2 s" in errors


def test_a_console_by_script(folder):
    with machine(folder, "root\r\nPassword: ", vm="web", greeting="web login: ") as heard:
        status, output, _ = cairnctl(folder, "console", "--send", r"root\r\x04\\", "--until", "word: $", "web")
    assert (status, heard) == (0, ["root\r\x04\\"])
    assert output.endswith("Password: ")
    (folder / "vm.web.sock").unlink()
    with machine(folder, lambda client: None, vm="web", greeting="bye"):
        status, output, errors = cairnctl(folder, "console", "--send", "x", "--until", "never", "web")
    assert (status, output) == (3, "bye") and "has shown no 'never'" in errors
    (folder / "vm.web.sock").unlink()
    with machine(folder, lambda client: client.sendall(b"echo"), vm="web", greeting="") as heard:
        status, output, errors = cairnctl(folder, "console", "web", text="typed\n")
    assert (status, output, heard) == (3, "echo", ["typed\n"]) and "the machine has ended" in errors


def test_a_console_is_told_its_size(folder):
    """At its start, and as often as the terminal's changes; not where there is no terminal."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    with machine(folder, vm="web", greeting="hello"):
        with machine(folder, end("size")) as heard:
            runs = subprocess.Popen([CAIRNCTL, "--dir", folder, "console", "web"], stdin=theirs, stdout=subprocess.PIPE,
                                    stderr=subprocess.DEVNULL)
        assert heard == ["size web 80x24\n"]
        (folder / "monitor.sock").unlink()
        termios.tcsetwinsize(theirs, (50, 132))
        error = '{"kind":"error","subject":"web","message":"it has no virtio console"}\n'
        with machine(folder, error + end("size", "false")) as heard:
            runs.send_signal(signal.SIGWINCH)
        assert heard == ["size web 132x50\n"]
        assert runs.poll() is None # it does not mind
        os.write(ours, b"\x1d")
        assert (runs.communicate(timeout=30)[0], runs.returncode) == (b"hello", 0)
    os.close(ours)
    os.close(theirs)


@pytest.mark.parametrize("arguments, sentence", [
    (["frobnicate"], "invalid choice"),
    (["start"], "required: VM"),
    (["start", "web; quit"], "'web; quit' cannot be a VM's name"),
    (["ensure", "web", "up"], "invalid choice"),
    (["--timeout", "soon", "list"], "invalid seconds value"),
    (["console", "--until", "(", "web"], "'(' is no regular expression"),
])
def test_command_lines_that_are_wrong(folder, arguments, sentence):
    status, output, errors = cairnctl(folder, *arguments)
    assert (status, output) == (2, "") and sentence in errors


def test_without_a_folder():
    environment = {key: value for key, value in os.environ.items() if key != "CAIRN_CHANNELS"}
    done = subprocess.run([CAIRNCTL, "list"], text=True, capture_output=True, env=environment, check=False)
    assert done.returncode == 2 and "Give --dir DIR, or set CAIRN_CHANNELS" in done.stderr


@pytest.mark.parametrize("words, choices", [
    (["cairnctl", "st"], ["start", "stop", "stats"]),
    (["cairnctl", "--dir", "DIR", "stop", "w"], ["web"]),
    (["cairnctl", "ensure", "web", "o"], ["off"]),
    (["cairnctl", "completion", ""], ["bash"]),
    (["cairnctl", "heap", "m"], ["map"]),
    (["cairnctl", "--dir", "DIR", "dump", "w"], ["web"]),
])
def test_completion(folder, words, choices):
    script = subprocess.run([CAIRNCTL, "completion", "bash"], text=True, capture_output=True, check=True).stdout
    assert "@COMMANDS@" not in script
    words = [str(folder) if word == "DIR" else word for word in words]
    quoted = " ".join(f"'{word}'" for word in words)
    program = f"""{script}
        COMP_WORDS=({quoted}); COMP_WORDS[0]={CAIRNCTL}; COMP_CWORD={len(words) - 1}
        _cairnctl; printf '%s\\n' "${{COMPREPLY[@]}}" """
    with machine(folder, VM % "running" + end("list")) if str(folder) in words else contextlib.nullcontext():
        found = subprocess.run(["bash", "-c", program], text=True, capture_output=True, check=True).stdout
    assert sorted(found.split()) == sorted(choices)


def test_a_machine_that_comes_later(folder):
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(folder / "monitor.sock"))
    waits = subprocess.Popen([CAIRNCTL, "--dir", folder, "--patient", "--timeout", "30", "list", "--json"],
                             text=True, stdout=subprocess.PIPE)
    with pytest.raises(subprocess.TimeoutExpired):
        waits.wait(0.5)
    (folder / "monitor.sock").unlink()
    with machine(folder, VM % "off" + end("list")):
        assert waits.communicate(timeout=30)[0] == VM % "off"
    (folder / "monitor.sock").unlink()
    status, _, errors = cairnctl(folder, "--patient", "list", "--timeout", "0.3")
    assert status == 4 and "no answer within 0.3 s" in errors
