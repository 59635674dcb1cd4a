"""Writes requirements/*.txt: every package that pyproject.toml leads to, pinned and with hashes.

`python scripts/dev.py lock` starts it; `--upgrade` uses newer versions. No index or address gets
into the files. It needs nothing but Python: uv, which resolves, is put into a temporary place.
"""

import shutil
import sys
import tempfile
from pathlib import Path

from environment import REQUIREMENTS, ROOT, pip, program, quiet
from telling import say

UV = "uv==0.13.9"


def lock(arguments):
    dev = REQUIREMENTS / "dev.txt"
    outputs = {
        "base.txt": ["pyproject.toml"],
        "build.txt": ["--group=build"],
        "native.txt": ["--group=native"],
        "dev.txt": ["pyproject.toml", "--extra=dev", "--group=build"],
        # Installed beside the others, and so with their versions.
        "grader.txt": ["pyproject.toml", "--extra=grader", f"--constraint={dev}"],
        "guide.txt": ["pyproject.toml", "--extra=guide", f"--constraint={dev}"],
        "export.txt": [
            "pyproject.toml",
            "--extra=export",
            f"--constraint={dev}",
            f"--constraint={REQUIREMENTS / 'guide.txt'}",
        ],
        "browser.txt": ["--group=browser", f"--constraint={dev}"],
    }
    header = (
        "# Made by `python scripts/dev.py lock` from pyproject.toml. Not to be edited by hand.\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        tools = Path(folder) / "tools"
        python = getattr(sys, "_base_executable", None) or sys.executable
        quiet([python, "-m", "venv", tools], "Python could not make a virtual environment.")
        pip(["install", "--quiet", UV], python=program("python", tools))
        options = "--universal --python-version=3.11 --fork-strategy=fewest --generate-hashes"
        options += " --no-header --no-annotate --no-emit-index-url --quiet"
        compiler = [program("uv", tools), "pip", "compile", *options.split(), *arguments]
        for name, sources in outputs.items():
            draft = Path(folder) / name
            if (REQUIREMENTS / name).exists():
                shutil.copy(REQUIREMENTS / name, draft)  # the pins to keep
            quiet(
                [*compiler, *sources, f"--output-file={draft}"],
                "The inputs are the dependencies in pyproject.toml.",
                cwd=ROOT,
            )
            text = header + draft.read_text(encoding="utf-8")
            if "://" in text or "\n--" in text:
                sys.exit(f"refusing to write requirements/{name}: it names an index or an address")
            (REQUIREMENTS / name).write_text(text, encoding="utf-8", newline="\n")
            packages = sum(line[:1].isalnum() for line in text.splitlines())
            say(f"requirements/{name}: {packages} packages")


if __name__ == "__main__":
    lock(sys.argv[1:])
