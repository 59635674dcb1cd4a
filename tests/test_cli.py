"""The command as a whole: help, exit codes, encodings; and `microgpt ladder`."""

import io
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from cli_runner import (
    COMMAND,
    DINO,
    ONLY_ASCII,
    SMALL,
    environment,
    microgpt,
    ok,
    posix,
    process,
    refused,
)
from microgpt.data import bundled
from patience import PATIENCE

pytestmark = pytest.mark.usefixtures("empty_directory")


# ---------------------------------------------------------------- ladder


def test_ladder_lists_the_rungs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("microgpt.cli.ladder.find_spec", {"numpy": 1}.get)
    shown = ok("ladder").out
    lines = shown.partition("\n\n")[0].splitlines()
    assert [line.partition(" of ")[0].strip() for line in lines] == [
        "with Python alone:",
        *(f"Rung {n}" for n in range(6)),
        "with NumPy:",
        *(f"Rung {n}" for n in range(6, 9)),
        "with PyTorch, which isn't installed:",
        "Rung 9",
    ]
    assert max(map(len, lines)) <= 84


def test_ladder_without_the_library_of_a_rung(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("microgpt.cli.ladder.find_spec", lambda name: None)
    for rung, name, package in ((7, "NumPy", "numpy"), (9, "PyTorch", "torch")):
        said = refused(5, "ladder", rung)
        assert f"Rung {rung} needs {name}, which isn't installed.\n  Install it: " in said
        assert said.endswith(f" -m pip install {package}")
    assert ok("ladder", 9, "--diff").out.startswith("--- train8.py\n+++ train9.py\n")


def test_ladder_diff() -> None:
    shown = ok("ladder", 5, "--diff").out
    assert shown.startswith("--- train4.py\n+++ train5.py\n")
    assert re.search(r"^\+.*beta1", shown, re.M | re.I)
    assert "it changes nothing" in refused(2, "ladder", 0, "--diff")


def test_ladder_with_the_early_settings(tmp_path: Path) -> None:
    shown = ok("ladder", 5, "--early", "--diff").out
    assert shown.startswith("--- train5.py\n+++ train5_early.py\n")
    assert "+beta1, beta2, eps = 0.9, 0.95, 1e-8\n" in shown
    ok("ladder", 5, "--early", "--copy", "mine")
    copied = Path("mine/train5_early.py").read_bytes()
    assert copied == bundled("ladder/train5_early.py").read_bytes()
    (tmp_path / "none.txt").write_text("")
    result = process("ladder", 5, "--early", "none.txt", cwd=tmp_path)
    assert result.code == 2 and result.err.startswith("No documents in none.txt: ")


@pytest.mark.parametrize("words", ["--preset early", "--preset=early", "a.txt --preset final"])
def test_ladder_says_where_the_preset_went(words: str) -> None:
    said = refused(2, "ladder", 5, *words.split())
    assert "no longer have --preset" in said and "ladder 5 --early" in said


def test_ladder_copy(tmp_path: Path) -> None:
    result = ok("ladder", 3, "--copy", "mine/gpt")
    assert Path("mine/gpt/train3.py").read_bytes() == bundled("ladder/train3.py").read_bytes()
    assert Path("mine/gpt/input.txt").read_bytes() == bundled("data/names.txt").read_bytes()
    assert "train3.py" in result.out
    assert "already exists" in refused(3, "ladder", 3, "--copy", "mine/gpt")


def test_ladder_needs_a_rung_to_copy_or_compare() -> None:
    assert "number of a rung" in refused(2, "ladder", "--copy", "x")
    assert "number of a rung" in refused(2, "ladder", "--diff")
    assert "There is no rung 10" in refused(2, "ladder", 10, "--early")
    assert "Rung 6 has no early settings" in refused(2, "ladder", 6, "--early")
    assert "--early needs the number of a rung, 5." in refused(2, "ladder", "--early", "--diff")
    assert "Rung 4 has no early settings" in refused(2, "ladder", 4, "--early")
    assert not Path("x").exists()


def test_ladder_runs_a_rung(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("ada\neva\nida\n")
    result = process("ladder", 0, cwd=tmp_path)
    assert result.code == 0 and "num docs: 32033" in result.out
    result = process("ladder", 0, "mine.txt", cwd=tmp_path)
    assert result.code == 0 and "num docs: 3" in result.out
    result = process("ladder", 0, "nowhere.txt", cwd=tmp_path)
    assert result.code != 0
    result = process("ladder", 7, "mine.txt", cwd=tmp_path)
    assert result.code == 0 and "\nsample 20: " in result.out


# ---------------------------------------------------------------- help, codes, encodings


@pytest.mark.parametrize(
    "command", [(), ("train",), ("sample",), ("eval",), ("inspect",), ("export",), ("import",),
                ("ladder",)],
)  # fmt: skip
def test_help_fits_80_columns(command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    if command == ("inspect",):
        pytest.importorskip("microgpt.inspection.page")
    monkeypatch.setenv("COLUMNS", "80")
    result = ok(*command, "--help")
    assert result.out.startswith("Usage: microgpt" + "".join(f" {c}" for c in command))
    assert max(map(len, result.out.splitlines())) <= 80
    assert "--help" in result.out or command


def test_help_names_every_flag() -> None:
    shown = ok("train", "--help").out
    flags = (
        "--data --split-by --preset --config --engine --dtype --threads --out --save-every "
        "--stop-after --resume --json --n-layer --n-embd --n-head --block-size --activation "
        "--init-std --init-std-out --optimizer --lr --beta1 --beta2 --eps --schedule --warmup "
        "--steps --batch-size --seed --holdout --validation --long"
    )
    for flag in flags.split():
        assert re.search(rf"{flag}\b", shown), flag
    shown = ok("sample", "--help").out
    flags = (
        "--seed --temperature --top-k --top-p --greedy --order --prefix --count --new --length "
        "--json --unknown --engine"
    )
    for flag in flags.split():
        assert re.search(rf"{flag}\b", shown), flag


def test_no_command_shows_the_commands_and_version() -> None:
    assert "train" in ok().out
    assert re.fullmatch(r"\d+\.\d+\.\d+\n", ok("--version").out)


def test_the_module_is_the_command(tmp_path: Path) -> None:
    result = process("train", *DINO, "--json", cwd=tmp_path)
    assert result.code == 0 and result.complaints == []
    assert len(result.losses) == 12
    result = process("sample", "nowhere", cwd=tmp_path)
    assert result.code == 3 and result.complaints[0].startswith("microgpt: There is no run")


def test_errors_as_json_come_last_on_standard_output() -> None:
    result = microgpt("train", "--json", "--lr", "nan")
    assert result.code == 2 and result.complaints == []
    assert list(result.lines[-1]) == ["error"]
    error = result.lines[-1]["error"]
    assert list(error) == ["code", "message", "remedy"] and error["code"] == 2
    diverging = ["--optimizer", "sgd", "--lr", 1e5, "--schedule", "constant"]
    result = microgpt("train", "--json", *diverging, "--out", "r")
    assert result.code == 4 and list(result.lines[0]) == ["run"]
    assert result.lines[-1]["error"]["code"] == 4
    assert "diverged" in result.lines[-1]["error"]["message"]
    for command in ("sample", "eval"):
        result = microgpt(command, "nowhere", "--json")
        assert result.code == result.lines[0]["error"]["code"] == 3


def test_exit_code_5_where_no_engine_can() -> None:
    said = refused(5, "train", "--engine", "scalar", "--dtype", "float32")
    assert "scalar" in said and "--engine" in said
    assert not Path("runs").exists()


def test_standard_output_may_be_ascii(tmp_path: Path) -> None:
    (tmp_path / "own.txt").write_text("é😀\n😀é\n", encoding="utf-8")
    trained = process("train", "own.txt", *SMALL, "--json", cwd=tmp_path, **ONLY_ASCII)
    assert trained.code == 0, trained.err
    made = {sample["text"] for sample in trained.of("samples")[0]}
    assert set("".join(made)) <= set("é😀")
    shown = process("sample", Path("runs/own-1"), cwd=tmp_path, **ONLY_ASCII)
    assert shown.code == 0 and "sample 20:" in shown.out and shown.out.isascii()
    helped = process("train", "--help", cwd=tmp_path, **ONLY_ASCII)
    assert helped.code == 0 and helped.out.isascii()
    wrong = process("sample", Path("runs/own-1"), "--prefix", "ß", cwd=tmp_path, **ONLY_ASCII)
    assert wrong.code == 2 and "is not in the vocabulary" in wrong.err


@posix
def test_standard_output_may_be_closed_or_end_early(tmp_path: Path) -> None:
    for redirect in (">&-", ">&- 2>&-", "| head -n 1"):
        line = f"{shlex.join([*COMMAND, 'train', *map(str, SMALL)])} {redirect}"
        done = subprocess.run(
            ["bash", "-c", f"set -o pipefail; {line}"],
            cwd=tmp_path, env=environment(), capture_output=True, timeout=PATIENCE, check=False,
        )  # fmt: skip
        # Whether head has gone before the last line is up to the system.
        assert done.returncode in ((0, 130) if "head" in redirect else (0,)), done.stderr
        assert b"Traceback" not in done.stderr and b"Exception" not in done.stderr


def test_json_keeps_to_what_the_output_can_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    from microgpt.cli import show_json

    for encoding in ("ascii", "utf-8", "latin-1"):
        raw = io.BytesIO()
        with monkeypatch.context() as patch, io.TextIOWrapper(raw, encoding) as stream:
            patch.setattr(sys, "stdout", stream)
            show_json({"text": "é😀\x1b"})
            written = raw.getvalue().decode(encoding)
        assert json.loads(written) == {"text": "é😀\x1b"}


def test_the_users_words_reach_the_terminal_harmless(tmp_path: Path) -> None:
    from microgpt.cli import visible

    assert visible("a\x1b[31mb\x07\u202e\nc") == "a\\x1b[31mb\\x07\\u202e\nc"
    assert visible("é 😀 ß") == "é 😀 ß"
