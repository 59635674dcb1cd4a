"""`microgpt --install-completion`: a script that the shell takes, and nothing else is changed."""

import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from cli_runner import microgpt, ok, refused
from microgpt.cli import _COMMANDS
from patience import PATIENCE


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_scripts_know_commands_and_flags(
    home: Path, shell: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHELL", f"/usr/bin/{shell}")
    said = ok("--install-completion").out
    (path,) = [path for path in home.rglob("*") if path.is_file()]
    assert said.startswith(f"wrote {path}: ")
    script = path.read_text(encoding="utf-8")
    for word in [*_COMMANDS, "n-embd", "unique", "html"]:
        assert word in script
    ok("--install-completion", shell)  # again


def test_bash_completes(home: Path) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("no bash here")
    ok("--install-completion", "bash")
    (path,) = [path for path in home.rglob("*") if path.is_file()]

    def completed(*words: str) -> list[str]:
        code = (
            f"source {shlex.quote(str(path))}; COMP_WORDS=({shlex.join(words)}); "
            f'COMP_CWORD={len(words) - 1}; _microgpt; echo "${{COMPREPLY[@]}}"'
        )
        return subprocess.run(
            [bash, "-c", code], capture_output=True, text=True, check=True, timeout=PATIENCE
        ).stdout.split()

    assert completed("microgpt", "insp") == ["inspect"]
    assert completed("microgpt", "train", "--n-e") == ["--n-embd", "--n-expert"]
    assert completed("microgpt", "train", "--micro") == ["--micro-batch"]


def test_a_shell_must_be_known(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "must be one of bash, zsh, fish" in refused(2, "--install-completion", "tcsh")
    monkeypatch.delenv("SHELL", raising=False)
    said = refused(2, "--install-completion")
    assert "microgpt --install-completion bash" in said
    assert list(home.iterdir()) == []
    assert "--install-completion" in microgpt("--help").out
