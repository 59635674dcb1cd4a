"""The bootstrap: Makefile, scripts/dev.py and environment.py, the pinned requirements."""

import importlib.util
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import microgpt

ROOT = Path(__file__).resolve().parent.parent
BESIDE = ("grader.txt", "guide.txt", "browser.txt", "export.txt")  # what dev.txt doesn't hold
LOCKS = ("base.txt", "build.txt", "dev.txt", "native.txt", *BESIDE)

spec = importlib.util.spec_from_file_location("dev", ROOT / "scripts" / "dev.py")
assert spec is not None
assert spec.loader is not None
dev = importlib.util.module_from_spec(spec)
spec.loader.exec_module(dev)
environment = sys.modules["environment"]
telling = sys.modules["telling"]


def pins(lock: str) -> dict[str, str]:
    """Name and version of every package in a requirements file."""
    found = {}
    for line in (ROOT / "requirements" / lock).read_text(encoding="utf-8").splitlines():
        if line[:1].isalnum():
            requirement = Requirement(line.removesuffix("\\"))
            (pin,) = requirement.specifier
            assert pin.operator == "=="
            found[canonicalize_name(requirement.name)] = pin.version
    return found


def project() -> dict[str, object]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_a_hash_and_no_address(lock):
    text = (ROOT / "requirements" / lock).read_text(encoding="utf-8")
    blocks = re.split(r"\n(?=[a-z0-9])", text)[1:]
    assert blocks
    for block in blocks:
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", block), block
    assert not re.search(r"https?|://|index|find-links|file:|@", text)


def test_the_locks_agree_with_pyproject():
    tables = project()
    base, extras = tables["project"]["dependencies"], tables["project"]["optional-dependencies"]
    wanted = {
        "base.txt": base,
        "build.txt": [*tables["build-system"]["requires"], *tables["dependency-groups"]["build"]],
        "native.txt": tables["dependency-groups"]["native"],
        "dev.txt": [*base, *extras["dev"], *tables["build-system"]["requires"]],
        "grader.txt": [*base, *extras["grader"]],
        "guide.txt": [*base, *extras["guide"]],
        "export.txt": [*base, *extras["export"]],
        "browser.txt": tables["dependency-groups"]["browser"],
    }
    for lock, requirements in wanted.items():
        pinned = pins(lock)
        for requirement in map(Requirement, requirements):
            version = pinned.get(canonicalize_name(requirement.name))
            assert version is not None, f"{requirement} is not in {lock}"
            assert requirement.specifier.contains(version), f"{requirement} but {version} in {lock}"


def test_the_locks_agree_with_each_other():
    everything = pins("dev.txt")
    for lock in ("base.txt", "build.txt"):
        for name, version in pins(lock).items():
            assert everything.get(name) == version, f"{name} of {lock} in dev.txt"
    for lock in BESIDE:  # installed beside the others
        for name, version in pins(lock).items():
            assert everything.setdefault(name, version) == version, f"{name} of {lock}"


def test_the_base_install_is_small_and_no_lock_holds_torch():
    names = {Requirement(line).name for line in project()["project"]["dependencies"]}
    assert names == {"numpy", "cyclopts", "rich", "plotext", "safetensors"}
    for lock in LOCKS:
        assert "torch" not in pins(lock)


def test_npm_runs_no_script_knows_no_address_and_leaves_llama_cpp_out_elsewhere():
    packages = json.loads((ROOT / "package-lock.json").read_text("utf-8"))["packages"]
    for name, package in packages.items():
        assert "resolved" not in package, name
        assert not package.get("hasInstallScript"), name
    assert "ignore-scripts=true" in (ROOT / ".npmrc").read_text("utf-8").splitlines()
    heavy = packages["node_modules/@node-llama-cpp/linux-x64"]
    assert heavy["optional"] and (heavy["os"], heavy["cpu"]) == (["linux"], ["x64"])
    assert {name for name in packages if "llama" in name} == {
        "node_modules/@node-llama-cpp/linux-x64"
    }


def test_the_version_is_the_same_in_the_package():
    assert microgpt.__version__ == project()["project"]["version"]


def test_make_and_the_script_have_the_same_commands():
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = re.search(r"^\.PHONY: (help .*)$", text, re.MULTILINE)
    assert phony is not None
    assert set(phony[1].split()) - {"help"} == set(dev.COMMANDS)


def test_the_script_needs_the_standard_library_alone():
    script = str(ROOT / "scripts" / "dev.py")
    done = subprocess.run(
        [sys.executable, "-I", "-S", script, "--help"], capture_output=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    for name in dev.COMMANDS:
        assert re.search(rf"^  {name} ", done.stdout, re.MULTILINE)


def test_an_unknown_command_is_refused_with_the_list():
    script = str(ROOT / "scripts" / "dev.py")
    done = subprocess.run([sys.executable, script, "tset"], capture_output=True, encoding="utf-8")
    assert done.returncode == 1
    assert done.stderr.startswith("there is no command `tset`\n")


def test_an_old_python_is_refused_with_one_line():
    assert dev.refusal((3, 11, 0)) is None
    assert dev.refusal((3, 14, 1, "final", 0)) is None
    message = dev.refusal((3, 10, 13, "final", 0))
    assert "3.11 or newer; this is 3.10.13" in message
    assert "\n" not in message


def test_an_old_python_is_told_which_newer_one_is_there(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: name == "python3.13" and "/usr/bin/" + name)
    assert "python3.13 is here: python3.13 scripts/dev.py run" in dev.refusal((3, 9, 2))
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert "Install one" in dev.refusal((3, 9, 2))


# ---------------------------------------------------------------- what it tells


def test_commands_begin_with_the_python_that_runs(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "my bin" / "python3"))
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.chdir(ROOT)
    script = Path("scripts", "dev.py")
    words = [str(tmp_path / "my bin" / "python3"), str(script)]
    assert telling.typed("guide", "--no-open") == f"{telling.quoted(*words)} guide --no-open"
    assert telling.quoted(*words)[0] in "'\"", "a path with a space is quoted"

    monkeypatch.setattr(shutil, "which", lambda name: str(tmp_path / "my bin" / name))
    assert telling.typed("guide") == f"python3 {script} guide"
    monkeypatch.setattr(shutil, "which", lambda name: str(tmp_path / "another" / name))
    assert telling.typed("guide") != f"python3 {script} guide", "that would be another Python"
    monkeypatch.chdir(tmp_path)
    assert str(ROOT / script) in telling.typed("guide")


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        ("ERROR: [Errno 28] No space left on device: '/x'", "The disk is full."),
        ("THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE", "pinned"),
        ("SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED]", "PIP_CERT"),
        ("Cannot connect to proxy.", "HTTPS_PROXY"),
        ("ERROR: [Errno 13] Permission denied: '/x'", "folder of your own"),
        ("ERROR: No matching distribution found for attrs==26.1.0", "offline"),
    ],
)
def test_what_failed_is_told_with_what_to_do(said, remedy):
    assert remedy in telling.remedy_for(said)
    with pytest.raises(SystemExit) as caught:
        environment.quiet(
            [sys.executable, "-c", f"import sys; print({said!r}); sys.exit(1)"], telling.OFFLINE
        )
    assert remedy in str(caught.value)


# A set-up in a folder of its own that installs nothing, by a Python without any library.
SET_UP = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
import environment as e
e.VENV = Path(sys.argv[2], ".venv")
e.quiet = lambda *a, **k: print("installs", file=sys.stderr)
if len(sys.argv) > 3:
    e.shutil.disk_usage = lambda _: type("", (), {"free": int(sys.argv[3])})
builder = e.kernel_builder()
builder.problem = lambda _: "has no compiled kernel here"
e.kernel_builder = lambda: builder
e.set_up("base", "dev")
"""


def set_up(folder: Path, *free: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", "-S", "-c", SET_UP, str(ROOT / "scripts"), str(folder)]
    return subprocess.run([*command, *free], capture_output=True, encoding="utf-8", cwd=ROOT)


def test_a_set_up_says_what_it_takes_before_it_begins(tmp_path):
    done = set_up(tmp_path)
    assert done.returncode == 0, done.stderr
    before, _, after = done.stderr.partition("installs")
    megabytes = sum(telling.FETCHED[level][telling.SYSTEM] for level in ("base", "dev"))
    assert f"about {megabytes} MB with pip" in before
    for lock in ("base.txt", "build.txt", "dev.txt"):
        assert f"requirements/{lock}" in before
    assert str(tmp_path / ".venv") in before and "C compiler" in before
    assert f"{telling.typed('clean', '--all')} removes it" in before
    assert f"has no compiled kernel here. To build it: {telling.typed('native')}" in after


def test_a_set_up_without_room_changes_nothing(tmp_path):
    done = set_up(tmp_path, "50000000")
    assert done.returncode == 1 and "installs" not in done.stderr
    assert "Only 50 MB are free" in done.stderr and "then run the same command" in done.stderr
    assert not (tmp_path / ".venv").exists()


def test_a_folder_that_cant_be_written_is_told(tmp_path):
    done = set_up(tmp_path / "gone")
    assert done.returncode == 1
    assert f"can't write {tmp_path / 'gone' / '.venv'}: No such file" in done.stderr
    assert "Traceback" not in done.stderr


def test_every_level_has_its_sizes():
    assert set(telling.FETCHED) == set(telling.ON_DISK) == set(environment.LEVELS)
    assert all(set(sizes) == {"linux", "darwin", "win32"} for sizes in telling.FETCHED.values())


def test_a_python_without_venv_is_told_the_package(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SystemExit, match=r"sudo apt-get install python3\.\d+-venv"):
        environment.check_venv_module()


def test_the_stamp_knows_what_it_was_made_for(monkeypatch, tmp_path):
    for part in ("pyproject.toml", "hatch_build.py", "requirements"):
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        copy(ROOT / part, tmp_path / part)
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    monkeypatch.setattr(environment, "REQUIREMENTS", tmp_path / "requirements")
    monkeypatch.setattr(environment, "NATIVE", tmp_path / "native")
    (tmp_path / "native" / "kernel").mkdir(parents=True)
    for name in ("build.py", "kernel/kernel.c", "kernel/model.h"):
        (tmp_path / "native" / name).touch()
    before = {level: environment.key(level) for level in environment.LEVELS}

    with (tmp_path / "pyproject.toml").open("a") as file:
        file.write("\n[tool.other]\nx = 1\n")
    after = {level: environment.key(level) for level in environment.LEVELS}
    assert after == before  # nothing that is installed

    with (tmp_path / "requirements" / "base.txt").open("a") as file:
        file.write("# changed\n")
    assert environment.key("base") != before["base"]
    assert environment.key("dev") == before["dev"]

    (tmp_path / "native" / "kernel" / "model.h").write_text("/* changed */")
    assert environment.key("dev") != before["dev"]


def make_environment(folder: Path) -> None:
    """Files that look like a finished .venv."""
    for level in environment.LEVELS:
        environment.stamp(level).parent.mkdir(exist_ok=True)
        environment.stamp(level).write_text(environment.key(level))
    for name in ("python", "microgpt"):
        environment.program(name, folder).parent.mkdir(exist_ok=True)
        environment.program(name, folder).touch()


def test_a_broken_environment_is_not_taken_for_ready(monkeypatch, tmp_path):
    venv = tmp_path / ".venv"
    monkeypatch.setattr(environment, "VENV", venv)
    monkeypatch.setattr(environment, "program", lambda name, where=venv: where / "bin" / name)
    monkeypatch.setattr(environment, "RECORD", tmp_path / "libmicrogpt.json")
    environment.RECORD.touch()
    assert not environment.is_ready("base")

    make_environment(venv)
    assert environment.is_ready("base")

    environment.RECORD.unlink()  # the kernel was cleared away
    assert not environment.is_ready("base")
    environment.RECORD.touch()

    (venv / "setting-up").touch()  # killed while it was changed
    assert not environment.is_ready("base")
    (venv / "setting-up").unlink()

    (venv / "bin" / "python").unlink()
    assert not environment.is_ready("base")
    assert not environment.is_usable()

    if os.name != "nt":
        (venv / "bin" / "python").symlink_to(tmp_path / "gone")  # its Python was uninstalled
        assert not environment.is_ready("base")
        assert not environment.is_usable()


def test_a_moved_environment_is_made_again(monkeypatch, tmp_path):
    venv = tmp_path / ".venv"
    monkeypatch.setattr(environment, "VENV", venv)
    monkeypatch.setattr(environment, "program", lambda name, where=venv: where / "bin" / name)
    make_environment(venv)
    (venv / "root.mk").write_text("VENV_ROOT := /elsewhere\n")
    assert not environment.is_usable()


@pytest.mark.skipif(os.name == "nt", reason="the Makefile is for systems with make")
def test_make_without_a_target_helps(require_program):
    make = require_program("make")
    done = subprocess.run(
        [make, "--no-print-directory", f"PYTHON={shlex.quote(sys.executable)}"],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == dev.usage() + "\n"


def test_no_committed_file_names_a_folder_of_one_machine(require_program):
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(
        [require_program("git"), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    homes = [rb"/ro" rb"ot/", rb"/ho" rb"me/\w+/", rb"/Us" rb"ers/\w+/", rb"[CD]:\\Us" rb"ers\\"]
    folder = re.compile(rb"|".join(rb"(?<![\w.$}])" + home for home in homes))
    for name in listed.stdout.decode().split("\0"):
        path = ROOT / name
        if not path.is_file():  # removed, or the empty name at the end of the list
            continue
        content = path.read_bytes()
        found = folder.search(content)
        assert not found, f"{name}: {found[0]!r}"
        assert os.fsencode(ROOT) not in content, f"{name} names this checkout's folder"


@pytest.mark.skipif(os.name == "nt", reason="the Makefile is for systems with make")
def test_make_looks_at_the_kernel(require_program):
    """Whatever goes into the stamp's key, `make run` must notice before it trusts the stamp."""
    make = require_program("make")
    done = subprocess.run(
        [make, "-pn", f"PYTHON={shlex.quote(sys.executable)}", "help"],
        cwd=ROOT,
        env={**os.environ, "LC_ALL": "C"},  # make's own words, not a translation in any encoding
        capture_output=True,
        encoding="utf-8",
    )
    (rule,) = re.findall(r"^\.venv/stamp-base: (.*)$", done.stdout, re.MULTILINE)
    watched = set(rule.split())
    for path in [
        environment.NATIVE / "build.py",
        environment.NATIVE / "kernel",
        *(environment.NATIVE / "kernel").iterdir(),
    ]:
        assert path.relative_to(ROOT).as_posix() in watched
    assert {"hatch_build.py", environment.RECORD.relative_to(ROOT).as_posix()} <= watched
