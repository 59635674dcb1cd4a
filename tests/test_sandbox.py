"""How submissions are run: what goes in, what comes out, and what is said of it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from microgpt.assignment.box import accounts
from microgpt.assignment.box.inside import driver, lockdown, processes
from microgpt.assignment.box.probe import Isolation, probe
from microgpt.assignment.box.sandbox import EVENTS, Limits, RunOutcome, Sandbox
from microgpt.assignment.box.site import ENVIRONMENT, LAYERS, site
from microgpt.errors import MissingError
from patience import until

ROOT = Path(__file__).parent.parent
MODEL = (ROOT / "data" / "model.json").read_bytes()
LINUX = sys.platform == "linux"

ECHO = """
import random, sys
for line in sys.stdin:
    print("OK:", line.strip(), random.random(), flush=True)
"""
HOOKS = """
import random, re, sys
BLOCKED_PREFIX_PATTERNS = [r"^app", "fig"]
BLOCKED_OUTPUT_PATTERNS = ("apple",)
def is_safe_request(prefixes):
    return "No apples." if "app" in prefixes else None
def is_safe_name(name):
    return "apple" not in name
def draw():
    return random.random()
print("loaded")
for line in sys.stdin:
    print("never")
sys.exit(3)
"""


@pytest.fixture(scope="module")
def sandbox() -> Sandbox:
    if sys.platform == "win32":
        with pytest.raises(MissingError, match="Windows"):
            site()
        pytest.skip("submissions aren't run on Windows")
    with Sandbox(Limits(cpu_s=5), slot=30) as made:
        yield made


def run(sandbox: Sandbox, bot: str, lines: object = (), **options: object) -> RunOutcome:
    sandbox.place({"bot.py": bot.encode(), "model.json": MODEL})
    return sandbox.run(lines, 7, **options)


# ---------------------------------------------------------------- running the program


def test_lines_in_and_lines_out_with_seeded_numbers(sandbox: Sandbox) -> None:
    first = run(sandbox, ECHO, ["an", "b", ""])
    assert first.out.count(b"\n") == 3 and first.out.startswith(b"OK: an 0.")
    assert (first.code, first.events, first.err_tail) == (0, (), "")
    assert sandbox.run(["an", "b", ""], 7).out == first.out
    assert sandbox.run(["an", "b", ""], 8).out != first.out
    assert 0 < first.cpu_s < 5


def test_bytes_reach_the_bot_as_they_are(sandbox: Sandbox) -> None:
    bot = "import sys\nprint(sys.stdin.buffer.read())"
    data = b"a\r\nb\0\xff" + "\N{GRINNING FACE}".encode() + b"no end"
    assert run(sandbox, bot, data).out.strip() == repr(data).encode()


def test_long_input_does_not_block(sandbox: Sandbox) -> None:
    got = run(sandbox, "import sys\nprint(len(sys.stdin.readline()))", [b"a" * 2**20])
    assert got.out == b"1048577\n"
    ignored = run(sandbox, "print('no time')", [b"a" * 2**20])
    assert ignored.out == b"no time\n" and ignored.code == 0


def test_the_program_sees_what_python_would_show_it(sandbox: Sandbox) -> None:
    bot = """
import json, os, sys
json.load(open("model.json"))
from pathlib import Path
assert Path(__file__).resolve().parent == Path.cwd() == Path(sys.path[0])
assert (__name__, sys.argv, hash("a")) == ("__main__", ["bot.py"], HASH)
assert sys.modules["__main__"].__dict__ is globals()
assert not [name for name in sys.modules if name in ("driver", "keeper", "microgpt", "numpy")]
assert not any("site-packages" in path for path in sys.path), sys.path
import decimal, textwrap, collections, dataclasses, unicodedata, ctypes.util
print(sorted(set(os.environ) - {"LC_CTYPE"}))
print("\\N{LATIN SMALL LETTER E WITH ACUTE}")
exit(0)
"""
    command = [site().python[0], "-S", "-c", "print(hash('a'))"]
    known = subprocess.check_output(command, env={"PYTHONHASHSEED": "0"}, text=True).strip()
    got = run(sandbox, bot.replace("HASH", known))
    assert got.code == 0, got.err_tail
    shown, accent = got.out.decode().splitlines()
    assert accent == "\N{LATIN SMALL LETTER E WITH ACUTE}"
    assert set(eval(shown)) - {"SUBMISSION", "PWD", "HOME", "TMPDIR"} == set(ENVIRONMENT)
    assert got.events == ()


def test_a_conversation_shows_that_answers_are_flushed(sandbox: Sandbox) -> None:
    lines = ["a", "b", "c"]
    good = run(sandbox, ECHO, lines, interactive=True)
    assert [reply[:5] for reply in good.replies] == [b"OK: a", b"OK: b", b"OK: c"]
    assert good.events == ()
    if LINUX:
        late = run(sandbox, ECHO.replace(", flush=True", ""), lines, interactive=True)
        assert late.replies == (None, None, None)
        assert late.events == ("unflushed",)
        assert late.out.count(b"\n") == 3
    gone = run(sandbox, "print(input(), flush=True)", lines, interactive=True)
    assert gone.replies[0] == b"a" and gone.replies[2] is None
    assert gone.events == ("early-exit",)


def test_events_name_what_went_wrong(sandbox: Sandbox) -> None:
    for bot, lines, event in (
        ("raise ValueError('why')", [], "crash"),
        ("def f(:", [], "crash"),
        ("input()", ["a", "b"], "early-exit"),
        ("import os; os.write(1, b'\\xff\\n')", [], "binary"),
        ("print('x' * 70_000)", [], "output"),
        ("open('/etc/hostname')", [], "read-outside"),
        ("import os; os.listdir('..')", [], "read-outside"),
        ("open('log.txt', 'w')", [], "write-outside"),
        ("import socket; socket.socket()", [], "network"),
        ("import os; os.fork()", [], "processes"),
        ("import os; os.kill(1, 0)", [], "signal"),
    ):
        got = run(sandbox, bot, lines)
        assert event in got.events, (bot, got)
        assert set(got.events) <= {event, "crash"}, (bot, got)
        assert event in EVENTS


def test_limits(sandbox: Sandbox) -> None:
    for bot, event, limits in (
        ("while True: pass", "cpu", Limits(cpu_s=0.3)),
        ("import time; time.sleep(100)", "wall", Limits(wall_s=1)),
        ("x = bytearray(2**28)", "memory", Limits(memory=64 * 2**20)),
    ):
        got = run(sandbox, bot, limits=limits)
        assert got.events == (event,), got


def test_output_is_read_up_to_the_limit_only(sandbox: Sandbox) -> None:
    got = run(sandbox, "while True: print('x' * 1000)", limits=Limits(output_bytes=10_000))
    assert len(got.out) == 10_000
    assert got.events == ("output",)


def test_traceback_shows_the_students_lines_only(sandbox: Sandbox) -> None:
    got = run(sandbox, "def f():\n    return 1 / 0\nf()\n")
    assert "ZeroDivisionError" in got.err_tail and 'bot.py", line 2, in f' in got.err_tail
    assert "driver" not in got.err_tail
    assert got.evidence == ("crash: ZeroDivisionError",)


# ---------------------------------------------------------------- calling its functions


def test_hooks_answer_calls(sandbox: Sandbox) -> None:
    sandbox.place({"bot.py": HOOKS.encode()})
    with sandbox.hooks(1) as hooks:
        names = hooks.loaded.names
        assert {name: fact["type"] for name, fact in names.items()} == {
            "is_safe_request": "function",
            "is_safe_name": "function",
            "BLOCKED_PREFIX_PATTERNS": "list",
            "BLOCKED_OUTPUT_PATTERNS": "tuple",
        }
        assert names["BLOCKED_PREFIX_PATTERNS"]["items"] == ("^app", "fig")
        assert hooks.loaded.load_error == "" and hooks.facts().patched == ()
        assert hooks.call("is_safe_request", [["app"]]).value == "No apples."
        assert hooks.call("is_safe_request", [["a"]]).value is None
        assert hooks.call("is_safe_name", ["pineapple"]).value is False
        assert hooks.call("draw", [], 5).value == hooks.call("draw", [], 5).value
        assert hooks.call("draw", [], 5).value != hooks.call("draw", [], 6).value
        assert "KeyError" in hooks.call("nothing", []).error
        assert "TypeError" in hooks.call("is_safe_name", [3]).error
    assert hooks.events == ()
    assert hooks.cpu_s > 0
    assert hooks.call("is_safe_name", ["a"]).error != ""


def test_many_calls_keep_their_order(sandbox: Sandbox) -> None:
    sandbox.place({"bot.py": b"def echo(x):\n    print(x)\n    return x\n"})
    with sandbox.hooks(1) as hooks:
        answers = hooks.calls([("echo", [i], 0) for i in range(10_000)])
    assert [answer.value for answer in answers] == list(range(10_000))
    assert hooks.events == ()


def test_a_bot_that_fails_to_load_says_so(sandbox: Sandbox) -> None:
    sandbox.place({"bot.py": b"def is_safe_name(n):\n    return True\nraise OSError('model')\n"})
    with sandbox.hooks(1) as hooks:
        assert hooks.loaded.load_error == "OSError: model (line 3)"
        assert hooks.call("is_safe_name", ["a"]).value is True
    sandbox.place({"bot.py": b"while True: pass"})
    with sandbox.hooks(1, Limits(cpu_s=0.3)) as hooks:
        assert hooks.events == ("cpu",)
        assert hooks.call("is_safe_name", ["a"]).error == "no answer: cpu"


def test_calls_after_a_hook_that_ends_the_process(sandbox: Sandbox) -> None:
    bot = "import os\ndef is_safe_name(n):\n    return os._exit(0) if n == 'b' else True\n"
    sandbox.place({"bot.py": bot.encode()})
    for _ in range(2):  # the same again: answers travel in counted groups
        with sandbox.hooks(1) as hooks:
            calls = [("is_safe_name", ["b" if i == 40 else "a"], 0) for i in range(64)]
            answers = hooks.calls(calls)
        assert [answer.value for answer in answers] == [True] * 32 + [None] * 32
        assert answers[-1].error == "no answer: early-exit"
        assert hooks.events == ("early-exit",)


def test_patched_functions_are_named_and_do_no_harm(sandbox: Sandbox) -> None:
    bot = """
import json, random, os
random.seed = random.choices = lambda *a: 0
json.dumps = json.loads = os.write = None
def is_safe_name(name):
    return len(name) > 2
"""
    sandbox.place({"bot.py": bot.encode()})
    with sandbox.hooks(1) as hooks:
        assert hooks.call("is_safe_name", ["anna"]).value is True
        assert set(hooks.facts().patched) == {
            "random.seed",
            "random.choices",
            "json.dumps",
            "json.loads",
            "os.write",
        }


# ---------------------------------------------------------------- files, users, leftovers


def test_files_are_fresh_and_gone_afterwards() -> None:
    with Sandbox(slot=31) as sandbox:
        sandbox.place({"bot.py": b"print(open('model.json').read())", "model.json": b"1"})
        assert sandbox.run(b"", 0).out == b"1\n"
        sandbox.place({"bot.py": b"import os; print(os.listdir())"})
        assert sandbox.run(b"", 0).out == b"['bot.py']\n"
        work = sandbox._work
        assert work is not None and work.exists()
    assert not work.exists()


def test_only_plain_names_can_be_placed() -> None:
    with Sandbox(slot=31) as sandbox, pytest.raises(AssertionError):
        sandbox.place({"../bot.py": b""})


def test_a_grader_with_many_open_files(sandbox: Sandbox) -> None:
    bot = "import os\ndef is_open(fd):\n    try:\n        return os.fstat(fd) is not None\n"
    bot += "    except OSError:\n        return False\n"
    bot += "print(input(), [fd for fd in range(3000) if is_open(fd)])"
    files = [open(os.devnull) for _ in range(150)]  # noqa: PTH123, SIM115
    try:
        assert run(sandbox, bot, ["a"]).out == b"a [0, 1, 2, 3, 4, 5]\n"
    finally:
        for file in files:
            file.close()


@pytest.mark.skipif(not accounts.can_change_user(), reason="needs root")
def test_two_slots_never_share_a_user() -> None:
    with Sandbox(slot=5) as a, Sandbox(slot=5) as b:
        assert a.uid != b.uid
        for sandbox in (a, b):
            assert sandbox.uid in range(accounts.FIRST, accounts.FIRST + accounts.COUNT)
            sandbox.place({"bot.py": b"import os\nprint(os.getresuid(), os.getgroups())"})
            uid = sandbox.uid
            assert sandbox.run(b"", 0).out.decode() == f"({uid}, {uid}, {uid}) []\n"
    with Sandbox(slot=5) as again:
        assert again.uid == a.uid


@pytest.mark.skipif(not LINUX, reason="looks into /proc")
def test_a_killed_grader_leaves_nothing() -> None:
    code = """
import sys
from microgpt.assignment.box.sandbox import Sandbox
with Sandbox(slot=33) as sandbox:
    sandbox.place({"bot.py": b"import time; print(1, flush=True); time.sleep(10**5)"})
    print(sandbox.uid, flush=True)
    sandbox.hooks(1)
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, env=environment
    ) as grader:
        uid = grader.stdout.readline().strip()
        until(lambda: len(processes.descendants(grader.pid)) >= 2, "the submission's start")
        found = processes.descendants(grader.pid)
        grader.kill()
    until(lambda: not any(map(processes.process, found)), "the end of what it had started")
    if uid != b"None":
        until(lambda: processes.of_user(int(uid)) == [], "the end of all of its user's processes")


# ---------------------------------------------------------------- what is isolated


def test_probe_says_what_is_not_isolated() -> None:
    if not LINUX:
        pytest.skip("the layers are Linux's")
    found = probe()
    assert set(found.layers) <= set(LAYERS)
    assert found.memory and found.processes
    assert found.user == ("dropped uid" if accounts.can_change_user() else "same user")
    if "landlock" in found.layers or found.bubblewrap:
        assert found.files_closed and found.others_closed and found.writing
    if {"seccomp", "namespaces", "bubblewrap"} & set(found.layers):
        assert found.network
    names = ("network", "files_closed", "others_closed", "writing", "signals")
    assert (found.lines() == []) == all(getattr(found, name) for name in names)


@pytest.mark.skipif(not LINUX, reason="the layers are Linux's")
def test_without_layers_the_report_says_so() -> None:
    bare = probe(())
    assert not (bare.network or bare.others_closed or bare.writing or bare.layers)
    text = " ".join(bare.lines())
    assert "network is open" in text and "mode 600" in text
    assert bare.files_closed == bare.signals == accounts.can_change_user()


def test_lines_of_a_machine_that_isolates_nothing() -> None:
    nothing = Isolation("same user", False, *[False] * 7, layers=())
    assert len(nothing.lines()) == 8
    assert nothing.lines()[0].startswith("Submissions run as the same user")


def test_a_layer_that_stops_working_is_no_silent_loss(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "landlock" not in sandbox.layers:
        pytest.skip("Landlock doesn't work here")
    monkeypatch.setattr(sandbox, "layers", sandbox.layers | {"landlock"})
    broken = type(site())(**{**vars(site()), "readable": None})
    monkeypatch.setattr(sandbox, "_site", broken)
    sandbox.place({"bot.py": b"print('ran')"})
    with pytest.raises((MissingError, TypeError)):
        sandbox.run(b"", 0)


def header_numbers(path: str) -> dict[str, int]:
    """System calls and their numbers in one of the kernel's headers."""
    if not Path(path).exists():
        pytest.skip("the kernel's headers are not installed")
    found = re.findall(r"^#define __NR(?:3264)?_(\w+)\s+(\d+)$", Path(path).read_text(), re.M)
    return {name: int(number) for name, number in found}


@pytest.mark.parametrize(
    ("machine", "header"),
    [
        ("x86_64", "/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
        ("aarch64", "/usr/include/asm-generic/unistd.h"),
    ],
)
def test_tables_of_system_calls_agree_with_the_headers(machine: str, header: str) -> None:
    numbers = header_numbers(header)
    _, denied, *single = lockdown._MACHINES[machine]
    names = [*lockdown._NAMES, *(lockdown._X86_ONLY_NAMES if machine == "x86_64" else ())]
    names += ["clone", "clone3", "tgkill", "prlimit64"]
    for name, number in zip(names, [*denied, *single], strict=True):
        assert numbers.get(name, number) == number, name  # newer calls may not be listed yet
    assert len(set(names) & set(numbers)) > 60


def test_what_runs_inside_needs_no_package() -> None:
    for module in (driver, lockdown, processes):
        text = Path(str(module.__file__)).read_text(encoding="utf-8")
        assert "import microgpt" not in text and "from microgpt" not in text


def test_sandbox_shows_itself() -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-m", "microgpt.assignment.box.sandbox"]
    text = subprocess.check_output(command, env=environment, text=True)
    assert "OK: an" in text and "events: cpu" in text
