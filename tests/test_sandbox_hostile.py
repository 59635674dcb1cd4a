"""Submissions that attack: in every setting they gain nothing, are named, and nothing is left.

Settings: as root and as an ordinary user; each with bubblewrap, with what the kernel offers
without it, and bare (a container that allows none of it: then what stays open is asserted too,
because the report has to say it).
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from microgpt.assignment.box import accounts
from microgpt.assignment.box.site import FLAGS, open_to_all, site
from patience import SLOW_PATIENCE

fcntl = pytest.importorskip("fcntl")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="the isolation of Linux is tested"),
]

ROOT = Path(__file__).parent.parent
KERNEL = ("namespaces", "landlock", "seccomp")
SETTINGS = {
    "root": (True, ("bubblewrap", *KERNEL)),
    "root, bubblewrap alone": (True, ("bubblewrap",)),
    "root, kernel alone": (True, KERNEL),
    "root, bare": (True, ()),
    "user": (False, ("bubblewrap", *KERNEL)),
    "user, bubblewrap alone": (False, ("bubblewrap",)),
    "user, kernel alone": (False, KERNEL),
    "user, landlock and seccomp": (False, ("landlock", "seccomp")),
    "user, bare": (False, ()),
}
STRANGER = accounts.FIRST - 7  # an ordinary user whom no other test is


class Setting:
    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.root, self.use = SETTINGS[name]
        self.folder = folder
        self.bare = not self.use
        if self.root and os.geteuid() != 0:
            pytest.skip("only root can drop to another user")
        if os.geteuid() == 0:
            self.user: int | None = None if self.root else STRANGER
        elif self.root is False:
            self.user = None
        self.python = sys.executable if self.user is None else site().python[0]
        if self.user is not None and not open_to_all(ROOT / "src" / "microgpt"):
            pytest.skip("the checkout lies where other users can't read it")

    def file(self, name: str, text: str, mode: int) -> Path:
        """A file of the grader's."""
        path = self.folder / name
        path.write_text(text)
        path.chmod(mode)
        os.chown(path, *(2 * (self.user or os.getuid(),)))
        return path

    def start(self, jobs: list[dict]) -> subprocess.CompletedProcess:
        options = {}
        if self.user is not None:
            options = {"user": self.user, "group": self.user, "extra_groups": []}
        return subprocess.run(
            [self.python, *(FLAGS if self.user else ()), ROOT / "tests" / "sandbox_runner.py"],
            input=json.dumps({"jobs": jobs, "use": self.use}),
            capture_output=True,
            text=True,
            env={"PYTHONPATH": str(ROOT / "src"), "PATH": "/usr/bin:/bin", "SECRET": "hidden"},
            cwd="/",
            timeout=SLOW_PATIENCE,
            **options,
        )

    def run(self, *jobs: dict) -> list[dict]:
        """Outcomes; nothing may be left after any of them, in any setting."""
        lock = Path(tempfile.gettempdir()) / "microgpt-test-sandbox.lock"
        with lock.open("w") as alone:  # what is left is looked for by user: one at a time
            fcntl.flock(alone, fcntl.LOCK_EX)
            done = self.start(list(jobs))
        assert done.returncode == 0, done.stderr
        first, *found, last = [json.loads(line) for line in done.stdout.splitlines()]
        missing = set(self.use) - set(first["layers"])
        if missing:
            message = f"{', '.join(sorted(missing))} don't work here"
            if os.environ.get("MICROGPT_CI") == "1":
                pytest.fail(message, pytrace=False)
            pytest.skip(message)
        assert (first["uid"] is not None) == self.root
        for outcome in found:
            assert outcome["alive"] == []
            assert outcome["unchanged"]
            assert "survived" not in outcome["events"]
        assert last["left"] == []
        return found

    def one(self, bot: str, **job: object) -> dict:
        return self.run({"bot": bot, **job})[0]


@pytest.fixture(params=SETTINGS)
def setting(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Setting:
    if request.param.count("bubblewrap") or request.param in ("root", "user"):
        request.getfixturevalue("require_program")("bwrap")
    folder = Path(subprocess.check_output(["mktemp", "-d"], text=True).strip())
    folder.chmod(0o755)
    yield Setting(request.param, folder)
    subprocess.run(["rm", "-rf", folder], check=True)


def has(setting: Setting, *layers: str) -> bool:
    return bool(set(layers) & set(setting.use))


# ---------------------------------------------------------------- files


def test_reading_hidden_cases(setting: Setting) -> None:
    closed = setting.file("cases.json", "hidden-closed", 0o600)
    opened = setting.file("notes.txt", "hidden-open", 0o644)
    bot = f"""
import os, glob
print(sorted(os.environ))
for path in ({str(closed)!r}, {str(opened)!r}, "/proc/%d/environ" % os.getppid()):
    try:
        print(open(path, "rb").read())
    except OSError as error:
        print(type(error).__name__)
"""
    got = setting.one(bot)
    assert "read-outside" in got["events"]
    assert str(closed) in " ".join(got["evidence"])
    assert ("hidden-closed" in got["out"]) == (setting.name == "user, bare")
    assert ("hidden-open" in got["out"]) == (not has(setting, "bubblewrap", "landlock"))
    assert "SECRET" not in got["out"]


def test_other_submissions_are_closed(setting: Setting) -> None:
    got = setting.one("print(open('OTHER/bot.py').read())")
    assert ("another's work" in got["out"]) == (setting.name == "user, bare")
    assert {"read-outside"} <= set(got["events"])


def test_writing_the_result(setting: Setting) -> None:
    result = setting.file("results.json", "0 points", 0o644)
    shared = setting.folder / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    bot = f"""
import os, tempfile
for path in ({str(result)!r}, {str(shared / "x")!r}, "bot.py", "model.json", "new.txt",
             "/tmp/left-by-a-submission", "/dev/shm/left-by-a-submission"):
    try:
        with open(path, "a") as file:
            file.write("100 points")
    except OSError as error:
        print(type(error).__name__)
for action in (lambda: os.chmod({str(result)!r}, 0o777), lambda: os.remove({str(result)!r}),
               lambda: os.symlink("/etc/passwd", {str(shared / "link")!r}),
               lambda: os.chmod(".", 0o777) or open("bot.py", "w")):
    try:
        action()
        print("DONE")
    except OSError as error:
        print(type(error).__name__)
"""
    got = setting.one(bot)
    assert "write-outside" in got["events"]
    strays = [Path(directory, "left-by-a-submission") for directory in ("/tmp", "/dev/shm")]
    if setting.name == "user, bare":
        for stray in strays:
            stray.unlink(missing_ok=True)
        return
    assert result.read_text() == "0 points"
    assert result.stat().st_mode & 0o777 == 0o644
    if not setting.bare:
        assert list(shared.iterdir()) == []
        assert "DONE" not in got["out"]
    assert not any(stray.exists() for stray in strays)


# ---------------------------------------------------------------- network


def test_opening_a_socket(setting: Setting) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(1)
        server.setblocking(False)  # who has connected is there already
        bot = f"""
import socket
try:
    with socket.create_connection(("127.0.0.1", {server.getsockname()[1]}), 2) as there:
        there.sendall(b"cases, please")
    print("CONNECTED")
except OSError as error:
    print(type(error).__name__)
"""
        got = setting.one(bot)
        assert "network" in got["events"]
        assert ("CONNECTED" in got["out"]) == setting.bare
        if not setting.bare:
            with pytest.raises(BlockingIOError):
                server.accept()


# ---------------------------------------------------------------- processes


def test_forking_without_end(setting: Setting) -> None:
    bot = """
import os
while True:
    try:
        os.fork()
    except OSError:
        pass
"""
    got = setting.one(bot, limits={"cpu_s": 0.25})
    assert "processes" in got["events"]
    assert got["code"] is None or got["code"] < 0
    assert got["cpu"] < 10


def test_a_daemon(setting: Setting) -> None:
    bot = """
import os, signal, sys, time
for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
    signal.signal(number, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for fd in range(0, 60):
            try:
                os.close(fd)
            except OSError:
                pass
        time.sleep(10**5)
    os._exit(0)
print("gone", flush=True)
"""
    got = setting.one(bot)
    assert "processes" in got["events"]
    assert "wall" not in got["events"]  # nobody waited for the daemon
    assert got["out"] == "gone\n"


def test_killing_the_parent(setting: Setting) -> None:
    bot = """
import os, signal, time
for pid in (os.getppid(), -1) if {all_too} else (os.getppid(),):
    try:
        os.kill(pid, signal.SIGKILL)
    except OSError:
        pass
time.sleep(0.3)
print("still here")
"""
    # As the same user and without any layer it would end this very test: the report says so.
    got = setting.one(bot.replace("{all_too}", str(setting.name != "user, bare")))
    assert "signal" in got["events"] or "killed" in got["events"]
    if setting.name == "user, bare":
        assert "killed" in got["events"]


def test_starting_programs(setting: Setting) -> None:
    bot = """
import subprocess
try:
    print(subprocess.run(["/bin/echo", "RAN"], capture_output=True, text=True).stdout)
except OSError as error:
    print(type(error).__name__)
"""
    got = setting.one(bot)
    assert "processes" in got["events"]
    if has(setting, "landlock", "seccomp"):
        assert "RAN" not in got["out"]


def test_native_code(setting: Setting) -> None:
    bot = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
print("raw socket", libc.socket(2, 1, 0))
print("kill", libc.kill(1, 9))
print("mount", libc.mount(b"none", b"/tmp", b"tmpfs", 0, None))
print("setuid", libc.setuid(0))
print("unshare", libc.unshare(0x10000000))
"""
    got = setting.one(bot)
    assert "native" in got["events"]
    if has(setting, "seccomp"):
        for name in ("raw socket", "mount", "setuid", "unshare"):
            assert f"{name} -1" in got["out"], got["out"]
    if setting.root:
        assert "setuid -1" in got["out"]


# ---------------------------------------------------------------- memory, time, output


def test_four_gigabytes(setting: Setting) -> None:
    caught = "\ntry:\n    x = b'x' * 2**32\nexcept MemoryError:\n    print('no')\n"
    plain, caught_too, slow = setting.run(
        {"bot": "x = bytearray(b'x') * 2**32\n"},
        {"bot": caught},
        {"bot": "x = []\nwhile True:\n    x.append(bytearray(2**20))\n"},
    )
    for got in (plain, slow):
        assert got["events"] == ["memory"], got
    assert caught_too["out"] == "no\n"
    assert all(got["memory"] < 2**28 for got in (plain, caught_too, slow))


def test_memory_of_all_processes_together(setting: Setting) -> None:
    bot = """
import os, time
for _ in range(5):
    if os.fork() == 0:
        break
x = bytearray(b"x" * (60 * 2**20))
time.sleep(10**5)
"""
    got = setting.one(bot)
    assert "memory" in got["events"]
    assert got["code"] is None


def test_looping_for_ever(setting: Setting) -> None:
    stubborn = """
import signal
signal.signal(signal.SIGXCPU, signal.SIG_IGN)
while True:
    pass
"""
    many = """
import os
os.fork(), os.fork()
while True:
    pass
"""
    jobs = [{"bot": bot, "limits": {"cpu_s": 0.25}} for bot in ("while True: pass", stubborn, many)]
    for got in setting.run(*jobs):
        assert "cpu" in got["events"], got
        assert 0.2 < got["cpu"] < 3, got


def test_sleeping_for_ever(setting: Setting) -> None:
    got = setting.one("import time\ntime.sleep(1000)", limits={"wall_s": 3})
    assert got["events"] == ["wall"]


def test_a_gigabyte_of_output(setting: Setting) -> None:
    text = "import sys\nblock = 'x' * 2**16 {end}\nfor _ in range(2**14):\n    {to}.write(block)\n"
    one_line, lines, errors = setting.run(
        {"bot": text.format(end="", to="sys.stdout")},
        {"bot": text.format(end="+ chr(10)", to="sys.stdout"), "limits": {"line_bytes": 2**20}},
        {"bot": text.format(end="", to="sys.stderr")},
    )
    for got in (one_line, lines, errors):
        assert got["events"] == ["output"], got
        assert got["length"] <= 2**20
        assert got["cpu"] < 2
    assert lines["length"] == 2**20


# ---------------------------------------------------------------- answers


def test_early_exit_crash_and_binary(setting: Setting) -> None:
    early, crash, binary, fatal = setting.run(
        {"bot": "import sys\nprint(input(), flush=True)\nsys.exit(0)", "lines": ["a", "b"]},
        {"bot": "raise ValueError('no')", "lines": ["a", "b"]},
        {"bot": "import os\nos.write(1, bytes(range(256)) * 9)"},
        {"bot": "import os\nos.abort()"},
    )
    assert early["events"] == ["early-exit"]
    assert crash["events"] == ["crash"] and crash["code"] == 1
    assert "ValueError: no" in crash["err"] and "driver" not in crash["err"]
    assert binary["events"] == ["binary"]
    assert fatal["events"] == ["crash"]


def test_attacks_from_the_hooks(setting: Setting) -> None:
    forging = """
import json, os, sys
def is_safe_name(name):
    for fd in (1, 3, 4, 5):
        try:
            os.write(fd, b'{"id": "x", "value": true}\\n')
        except OSError:
            pass
    print("noise", file=sys.stdout)
    return False
"""
    flooding = """
import os
def is_safe_name(name):
    while True:
        os.write(4, b"x" * 100 + b"\\n")
"""
    leaving = "import os\ndef is_safe_name(name):\n    os._exit(0)\n"
    looping = "def is_safe_name(name):\n    while True: pass\n"
    at_import = "while True: pass\n"
    closing = "import os\nos.close(5)\nopen('/etc/passwd')\n"
    patching = """
import builtins, json, os, random, sys
def is_safe_name(name):
    return True
random.choices = random.random = lambda *a, **k: 0.0
builtins.print = lambda *a, **k: None
json.dumps = json.loads = lambda *a, **k: "x"
sys.stdout = None
"""
    strange = """
class Odd(str):
    def __bool__(self):
        raise KeyboardInterrupt("odd")
def is_safe_name(name):
    return Odd("x") if name == "a" else [1] if name == "b" else {}
def is_safe_request(prefixes):
    return [[[]]] if prefixes == ["a"] else "r" * 10**6
"""
    call = ["is_safe_name", ["anna"], 7]
    odd = [["is_safe_name", ["a"], 1], ["is_safe_name", ["b"], 1], ["is_safe_name", ["c"], 1]]
    odd += [["is_safe_request", [["a"]], 1], ["is_safe_request", [["b"]], 1]]
    bots = (forging, flooding, leaving, looping, at_import, closing, patching, strange)
    jobs = [
        {
            "bot": bot,
            "mode": "hooks",
            "calls": odd if bot == strange else [call, call],
            "limits": {"cpu_s": 0.25 if bot in (looping, at_import) else 0.5},
        }
        for bot in bots
    ]
    found = dict(zip(bots, setting.run(*jobs), strict=True))
    assert [answer[0] for answer in found[forging]["answers"]] == [False, False]
    assert "forged" in found[forging]["events"]
    for bot, word in ((leaving, "early-exit"), (looping, "cpu"), (at_import, "cpu")):
        assert word in found[bot]["events"], found[bot]
        assert all(word in answer[1] for answer in found[bot]["answers"])
    assert {"output", "forged"} <= set(found[flooding]["events"])
    assert "tampered" in found[closing]["events"]
    assert found[patching]["answers"] == [[True, ""]] * 2
    assert {"random.choices", "builtins.print", "json.dumps", "sys.stdout"} <= set(
        found[patching]["patched"]
    )
    answers = found[strange]["answers"]
    assert answers[0][0] is None and "KeyboardInterrupt" in answers[0][1]
    assert [answer[0] for answer in answers[1:4]] == [True, False, "[[[]]]"]
    assert answers[4][0] == "r" * 500
