"""Gradescope's autograder archive, and what runs inside it.

``write`` packs this package's source and data with ``setup.sh`` and ``run_autograder`` at the root,
as Gradescope's specification asks. ``setup.sh`` runs once, when Gradescope builds the image: it
finds Python 3.11 or later (else asks apt for it), installs NumPy and safetensors into an
environment of its own, from ``wheels/`` in the archive if there are any and otherwise with plain
``pip``, and compiles the kernel if it can get a C compiler; without one NumPy is used, and
grading takes minutes longer. ``requirements.txt`` pins both as microgpt's own lock does: pip takes
these versions, in files of the hashes that stand there, or nothing. ``run_autograder`` runs for
each submission, as root, and writes ``results/results.json``.

The class key is in the archive only if it is given. Whoever has the archive then has the key: it
is for Gradescope and the teacher, never for students. While student code runs, the key, the
results and the metadata are closed to all but the owner; the sandbox drops root before it starts
student code, so that this holds.

``MICROGPT_AUTOGRADER_ROOT`` stands for ``/autograder`` and ``MICROGPT_AUTOGRADER_PYTHON`` for the
interpreter: with these an archive can be tried out anywhere.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import re
import sys
import traceback
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from microgpt import __version__
from microgpt.assignment.intake.submissions import identify, read_submission, roster
from microgpt.assignment.reports import feedback, gradescope, text
from microgpt.assignment.result import Result
from microgpt.calling import command
from microgpt.data import bundled
from microgpt.errors import FileError, InputError, MicrogptError
from microgpt.files import dump_json, parse_json, read_bytes, write_atomic

NEEDED = ("numpy", "safetensors")
"""What grading needs besides Python; the command's own libraries are not among it."""

LOCK = "requirements/grader.txt"

SECRET = "secret/key"
ROSTER = "secret/roster.csv"
CONFIG = "config.json"
METADATA = "submission_metadata.json"
_WHEELS = 200 * 2**20  # bytes of one wheel
_KEY = 4096
_HASH = re.compile("--hash=sha256:([0-9a-f]{64})")
_LEFT_OUT = {"__pycache__", "share", "teacher"}  # data/teacher holds the solution
_SUFFIXES = {".py", ".c", ".h", ".css", ".typed", ".json", ".toml", ".txt", ".md", ".csv", ".html"}

_SETUP = """\
#!/usr/bin/env bash
# Runs once, while the image is built, as root.
set -euo pipefail
source_dir="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="${MICROGPT_AUTOGRADER_ROOT:-/autograder}"

find_python() {
  local name
  for name in python3.14 python3.13 python3.12 python3.11 python3; do
    if command -v "$name" > /dev/null &&
      "$name" -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' 2> /dev/null
    then
      command -v "$name"
      return 0
    fi
  done
  return 1
}

if ! python="$(find_python)"; then
  apt-get update
  apt-get install -y python3.12 python3.12-venv || apt-get install -y python3.11 python3.11-venv
  python="$(find_python)"
fi
"$python" -m venv "$root/python"
from=()
if compgen -G "$source_dir/wheels/*.whl" > /dev/null; then
  from=(--no-index --find-links "$source_dir/wheels")
fi
"$root/python/bin/pip" install --require-hashes --only-binary :all: ${from[@]+"${from[@]}"} \\
  -r "$source_dir/requirements.txt"
command -v cc > /dev/null || apt-get install -y gcc libc6-dev || true
PYTHONPATH="$source_dir/src" "$root/python/bin/python" -P -m microgpt.engines.native.build ||
  echo "no compiled kernel: grading takes minutes longer"
chmod -R go-rwx "$source_dir/secret" 2> /dev/null || true
"""

_RUN = """\
#!/usr/bin/env bash
# Runs for each submission, as root.
set -euo pipefail
umask 077
root="${MICROGPT_AUTOGRADER_ROOT:-/autograder}"
python="${MICROGPT_AUTOGRADER_PYTHON:-$root/python/bin/python}"
export PYTHONPATH="$root/source/src${PYTHONPATH:+:$PYTHONPATH}"
export PYTHONHASHSEED=0 PYTHONDONTWRITEBYTECODE=1
export OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 MKL_NUM_THREADS=1
exec "$python" -P -m microgpt.assignment.reports.autograder "$root"
"""

_BROKEN = "The autograder couldn't grade this: tell your teacher. No points were given or taken."
_ABOUT = """\
An autograder for Gradescope, made by microgpt {version}.

Upload this archive as it is (Configure Autograder, Zip file upload).
{key}
"""
_WITH_KEY = (
    "It holds the key of the class, from which the hidden cases follow: keep it from students."
)
_WITHOUT_KEY = "It holds no key of a class: every student is graded with the public cases."


# ---------------------------------------------------------------- the archive


def build(
    key: bytes | None = None,
    class_list: bytes | None = None,
    wheels: Path | None = None,
    *,
    level: str = "examples",
    limit: int | None = None,
) -> bytes:
    """The archive's bytes, the same for the same package and arguments.

    ``key``: the content of the class key's file. ``class_list``: the roster's, so that the id of
    a student is found by the email that Gradescope knows. ``wheels``: a folder of ``.whl`` files
    for Gradescope's machine (x86-64 Linux, its Python), so that setup needs no network; each must
    be one that is pinned. ``level`` and ``limit``: how much students are told, see ``feedback``.
    Raises ``InputError`` if wheels are missing or others, ``FileError`` for what can't be read.
    """
    content: dict[str, bytes] = {
        "setup.sh": _SETUP.encode(),
        "run_autograder": _RUN.encode(),
        "requirements.txt": requirements().encode(),
        "README.txt": _ABOUT.format(
            version=__version__, key=_WITHOUT_KEY if key is None else _WITH_KEY
        ).encode(),
    }
    feedback.check_level(level)
    feedback.check_limit(limit)
    content[CONFIG] = (dump_json({"feedback": level, "feedback_limit": limit}) + "\n").encode()
    package = Path(__file__).resolve().parents[2]
    content.update(_tree(package, "src/microgpt"))
    content.update(_tree(bundled("data/model.json").parent, "data"))
    if key is not None:
        if not 0 < len(key) <= _KEY:
            raise InputError(
                f"The key has {len(key):,} bytes, must have 1 to {_KEY:,}.",
                f"Make one: {command('assignment', 'key', 'FILE')}",
            )
        content[SECRET] = key
    if class_list is not None:
        content[ROSTER] = class_list
    if wheels is not None:
        content.update(_wheels(wheels))
    return _zip(content)


def is_archive(path: Path) -> bool:
    """Whether the file is a zip with the two programs of such an archive in it."""
    try:
        with zipfile.ZipFile(path) as there:
            return {"setup.sh", "run_autograder"} <= set(there.namelist())
    except (OSError, ValueError, zipfile.BadZipFile):
        return False


def write(
    path: Path,
    key: bytes | None = None,
    class_list: bytes | None = None,
    wheels: Path | None = None,
    *,
    level: str = "examples",
    limit: int | None = None,
) -> None:
    """Write the archive of ``build``; readable by its owner alone where it holds a secret."""
    write_atomic(path, build(key, class_list, wheels, level=level, limit=limit))
    if key is not None or class_list is not None:
        _close(path)


def _tree(folder: Path, under: str) -> Iterator[tuple[str, bytes]]:
    """Path in the archive, and content, of the source files in a folder."""
    for here, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in _LEFT_OUT)
        for name in sorted(names):
            path = Path(here, name)
            made = name.startswith(("libmicrogpt", "."))  # compiled for another machine
            if path.suffix in _SUFFIXES and not made and path.is_file():
                relative = path.relative_to(folder).as_posix()
                yield f"{under}/{relative}", read_bytes(path, 2**26)


def requirements() -> str:
    """The lock's entries for what grading needs: versions with the hashes of all their files.

    Raises ``FileError`` where this installation lacks the lock or its entries.
    """
    lock = bundled(LOCK)
    entries = re.findall(
        r"^([\w.-]+)(==.*(?:\n .*)*\n)", read_bytes(lock, 2**20).decode(), re.MULTILINE
    )
    found = {name: name + rest for name, rest in entries if name in NEEDED and _HASH.search(rest)}
    if set(found) != set(NEEDED):
        raise FileError(
            f"{lock} doesn't pin {' and '.join(sorted(set(NEEDED) - set(found)))} with hashes.",
            "Install microgpt again.",
        )
    return "".join(found[name] for name in NEEDED)


def _wheels(folder: Path) -> Iterator[tuple[str, bytes]]:
    """The wheels in a folder, each of them pinned, and none missing that is needed."""
    pinned = requirements()
    missing = set(NEEDED)
    versions = re.findall(r"^[\w.-]+==[^\s;]+", pinned, re.MULTILINE)
    remedy = (
        "Get them with pip download --no-deps --only-binary :all: --platform manylinux_2_28_x86_64 "
        f"--platform manylinux_2_17_x86_64 --python-version VERSION --dest FOLDER "
        f"{' '.join(versions)}; VERSION is that of Python in Gradescope's image."
    )
    for path in sorted(folder.glob("*.whl")):
        content = read_bytes(path, _WHEELS)
        if hashlib.sha256(content).hexdigest() not in _HASH.findall(pinned):
            raise InputError(
                f"{path} is not among the files that are pinned for grading: "
                f"{' and '.join(versions)}.",
                f"Take it out of the folder. {remedy}",
            )
        missing.discard(path.name.partition("-")[0])
        yield f"wheels/{path.name}", content
    if missing:
        raise InputError(
            f"There is no wheel of {' or '.join(sorted(missing))} in {folder}.", remedy
        )


def _zip(content: dict[str, bytes]) -> bytes:
    """Stored, not deflated: the bytes then don't depend on the zlib that is installed."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(content):
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.create_system = 3  # Unix, so that the modes count
            executable = name in ("setup.sh", "run_autograder")
            mode = 0o755 if executable else 0o600 if name.startswith("secret/") else 0o644
            info.external_attr = (0o100000 | mode) << 16
            archive.writestr(info, content[name])
    return buffer.getvalue()


# ---------------------------------------------------------------- inside Gradescope's container


def run(root: Path) -> int:
    """Grade ``root/submission`` and write ``root/results/results.json``; returns the exit code.

    Whatever goes wrong, results.json says so in one sentence; a student never sees a traceback.
    """
    results = root / "results" / "results.json"
    for path in (root / "source" / "secret", root / "results", root / METADATA):
        _close(path)
    try:
        content = _content(root, _graded(root))
    except MicrogptError as error:
        print(error.message, error.remedy, file=sys.stderr)
        content = gradescope.broken(_BROKEN)
    except Exception:  # a mistake of ours: the teacher sees it in Gradescope's log, students don't
        traceback.print_exc()
        content = gradescope.broken(_BROKEN)
    try:
        results.parent.mkdir(exist_ok=True)
    except OSError as error:
        raise FileError(f"Can't make {results.parent}: {error.strerror}.", "") from error
    write_atomic(results, (dump_json(content, indent=1) + "\n").encode("ascii"))
    return 0


def _graded(root: Path) -> Result:
    from microgpt.assignment.grading.grader import Options, grade
    from microgpt.assignment.kit.variants import read_key

    submission = replace(read_submission(root / "submission"), student=_student(root))
    secret = root / "source" / SECRET
    return grade(submission, Options(key=read_key(secret) if secret.exists() else None))


def _content(root: Path, result: Result) -> dict[str, Any]:
    """results.json, with as much in it as config.json lets a student be told."""
    config = parse_json(read_bytes(root / "source" / CONFIG, 2**16), CONFIG, "")
    level, limit = config["feedback"], config["feedback_limit"]
    number = feedback.number_at_gradescope(_metadata(root))
    notes = () if limit is None or number is not None else (feedback.no_count(limit),)
    for line in notes:
        print(line, file=sys.stderr)
    shown = feedback.told(result, level, limit, number)
    return gradescope.render(shown, whole=result, notes=notes)


def _metadata(root: Path) -> object:
    """What Gradescope says about a submission; None if it says nothing that can be read."""
    try:
        return parse_json(read_bytes(root / METADATA, 2**26), METADATA, "")
    except MicrogptError:
        return None


def _student(root: Path) -> str:
    """The id from the class list if it came along, else the email, else Gradescope's number."""
    facts = _metadata(root)
    users = facts.get("users") if isinstance(facts, dict) else None
    user = users[0] if isinstance(users, list) and users and isinstance(users[0], dict) else {}
    email, number = user.get("email"), user.get("id")
    student = email if isinstance(email, str) and email else str(number or "student")
    listed = root / "source" / ROSTER
    known = identify(student, roster(listed)) if listed.exists() else None
    return known.id if known else text.plain(student, text.NAME) or "student"


def _close(path: Path) -> None:
    """Take the rights of group and others away, where there is something and we may."""
    for each in (path, *sorted(path.rglob("*"))) if path.is_dir() else (path,):
        with contextlib.suppress(OSError):
            if not each.is_symlink():
                each.chmod(each.stat().st_mode & 0o700)


def _demo() -> None:
    data = build()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = archive.namelist()
    print(f"{len(names)} files, {len(data):,} bytes; at the root:")
    for name in names:
        if "/" not in name:
            print(f"  {name}")


if __name__ == "__main__":
    if len(sys.argv) == 2:
        sys.exit(run(Path(sys.argv[1])))
    _demo()
