"""What a model file says of itself: numbers, sizes and words that changed later are noticed."""

import hashlib
import json
import re
import shutil
import struct
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from cli_runner import ok, refused
from microgpt.assignment.grading import grader
from microgpt.config import SHAPE
from microgpt.data import bundled
from microgpt.disk.modelfile import (
    Model,
    digest_of,
    read_model,
    read_safetensors,
    write_model,
    write_safetensors,
)
from microgpt.errors import CheckpointError, MicrogptError
from microgpt.opening import as_model, open_model
from model_files import PAIRS, check, make
from patience import PATIENCE

ROOT = Path(__file__).parent.parent

FLIPS = 1500  # of a file's some 30,000 bits, spread evenly


def numbers_of(model: Model) -> bytes:
    """The bytes under the digest, by the letter of the format."""
    rows = [row for name in model.config.shapes() for row in model.weights[name].tolist()]
    return b"".join(struct.pack("<d", number) for row in rows for number in row)


def altered(path: Path) -> None:
    """Another digit in one number of a model.json, as by hand."""
    text = path.read_text(encoding="ascii")
    changed = re.sub(r'("wpe": \[\n\[-?0\.)\d', lambda m: m[1] + "9", text)
    assert changed != text
    path.write_text(changed, encoding="ascii")


def header_of(path: Path) -> dict[str, str]:
    """The metadata of a safetensors file."""
    data = path.read_bytes()
    text = data[8 : 8 + int.from_bytes(data[:8], "little")]
    return dict(json.loads(text)["__metadata__"])


def test_the_digest_is_that_of_the_numbers(tmp_path: Path) -> None:
    model = make(sorted("é<𝄞"), dtype=np.float32, n_layer=2, activation="relu_squared")
    wanted = hashlib.sha256(numbers_of(model)).hexdigest()
    write_model(tmp_path / "m.json", model)
    content = json.loads((tmp_path / "m.json").read_text())
    assert list(content)[-1] == "digest" and content["digest"] == wanted == digest_of(model.weights)
    write_safetensors(tmp_path / "m", model)
    metadata = header_of(tmp_path / "m")
    assert metadata["digest"] == wanted
    lines = [f"{key}={metadata[key]}\n" for key in ("format", "config", "vocab", "digest")]
    words = hashlib.sha256("".join(lines).encode()).hexdigest()
    assert metadata["metadata_digest"] == words


@pytest.mark.parametrize(("write", "read"), PAIRS)
def test_a_flipped_bit_is_noticed(tmp_path: Path, write, read) -> None:
    """It is refused, warned of, or changes nothing (as "e" for "E" in a number)."""
    model = make("ab", block_size=2, activation="relu_squared")
    path = tmp_path / "m"
    write(path, model)
    whole, model = path.read_bytes(), read(path)[0]
    for bit in range(0, 8 * len(whole), 8 * len(whole) // FLIPS | 1):
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        try:
            found, warnings = read(path)
        except MicrogptError:
            continue
        if not warnings:
            check(found, model)
            assert found.config == model.config, f"bit {bit} of {whole!r}"


@pytest.mark.parametrize(("write", "read"), PAIRS)
def test_files_without_a_digest_are_read(tmp_path: Path, write, read) -> None:
    path = tmp_path / "m"
    write(path, make())
    data = path.read_bytes()
    if write is write_model:
        path.write_text(re.sub(r',\n"digest": ".*"', "", data.decode()))
    else:
        cut = re.sub(rb',"digest":"[^}]*"', b"", data)
        length = int.from_bytes(data[:8], "little") - (len(data) - len(cut))
        path.write_bytes(length.to_bytes(8, "little") + cut[8:])
    assert b"digest" not in path.read_bytes()
    found, warnings = read(path)
    assert warnings == []
    check(found, make())
    assert b"digest" not in bundled("data/model.json").read_bytes()


@pytest.mark.parametrize("digest", [None, 3, [], "", "0" * 64, "ü" * 64, "x" * 10**6])
def test_what_is_no_digest_is_refused(tmp_path: Path, digest: object) -> None:
    write_model(tmp_path / "m", make())
    content = json.loads((tmp_path / "m").read_text())
    (tmp_path / "m").write_text(json.dumps({**content, "digest": digest}))
    with pytest.raises(CheckpointError, match=r"digest is .*, but the SHA-256") as caught:
        read_model(tmp_path / "m")
    assert "--ignore-digest" in caught.value.remedy
    assert len(str(caught.value)) < 500
    assert len(read_model(tmp_path / "m", ignore_digest=True)[1]) == 1


def test_numbers_changed_by_hand(
    tmp_path: Path, own_list: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refused by every command that opens a model, and taken by each when told to."""
    m = tmp_path / "m.json"
    write_model(m, make("adeilv", block_size=8))
    altered(m)
    commands: list[list[object]] = [
        ["sample", m], ["eval", m, own_list], ["inspect", m], ["export", m, tmp_path / "new.json"],
        ["import", m, own_list, "--out", tmp_path / "run"], ["bot", m], ["chat", m],
    ]  # fmt: skip
    for command in commands:
        monkeypatch.setattr(sys, "stdin", None)  # nobody asks bot and chat anything
        said = refused(3, *command)
        assert "it has changed since it was written" in said and "--ignore-digest" in said
        result = ok(*command, "--ignore-digest")
        assert "note: " in result.err and "it is read all the same" in result.err
    assert read_model(tmp_path / "new.json")[1] == []  # export has computed it again
    assert abs(open_model(m, ignore_digest=True)[0].weights["wpe"][0, 0]) >= 0.9


def test_a_class_model_changed_by_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same for grading, here of what can't be read: the bank of cases takes twenty seconds."""
    m, submission = tmp_path / "m.json", tmp_path / "bot.ipynb"
    write_model(m, make("abcdefghijklmnopqrstuvwxyz", n_embd=8, block_size=8))
    altered(m)
    submission.write_text("{}")
    common = SimpleNamespace(model=b"")
    monkeypatch.setattr(grader, "_common", lambda *_: (None, common, None, ()))
    said = refused(3, "grade", submission, "--model", m)
    assert "it has changed since it was written" in said and "--ignore-digest" in said
    assert "it is read all the same" in ok("grade", submission, "--model", m, "--ignore-digest").err


@pytest.mark.parametrize(
    ("old", "new"),
    [('\\"lr\\": 0.003', '\\"lr\\": 0.004'), ('\\"b\\"', '\\"d\\"'), ('"step":"7"', '"step":"5"')],
)
def test_words_changed_in_safetensors(tmp_path: Path, old: str, new: str) -> None:
    path = tmp_path / "m"
    model = make("abe", lr=0.003)
    model.step = 7
    write_safetensors(path, model)
    data = path.read_bytes()
    assert data.count(old.encode()) == 1
    path.write_bytes(data.replace(old.encode(), new.encode()))
    with pytest.raises(CheckpointError, match=r"metadata_digest is .* the SHA-256 of its metadata"):
        read_safetensors(path)
    assert len(read_safetensors(path, ignore_digest=True)[1]) == 1


@pytest.mark.parametrize("program", ["guide/downloads/sampler.py", "data/kit/bot.py"])
def test_programs_that_never_heard_of_a_digest(tmp_path: Path, program: str) -> None:
    """Those that are handed out read what export writes just as they read the shipped file.

    The sampler has a seed; of the bot, which has none, the first letters are compared.
    """
    said = []
    for name in ("shipped", "exported"):
        folder = tmp_path / name
        folder.mkdir()
        shutil.copy(ROOT / program, folder)
        shutil.copy(ROOT / "data/model.json", folder)
        if name == "exported":
            ok("export", ROOT / "data/model.json", folder / "model.json", "--force")
            assert b'"digest"' in (folder / "model.json").read_bytes()
        done = subprocess.run(
            [sys.executable, folder / Path(program).name],
            input=b"k\nj\n",
            capture_output=True,
            check=True,
            timeout=PATIENCE,
        )
        lines = done.stdout.decode().splitlines()
        said.append(lines if "sampler" in program else [line[:5] for line in lines])
    assert said[0] == said[1] != []


# ---------------------------------------------------------------- what nobody knows


def test_safetensors_of_a_model_json_claim_no_step_rate_or_seed(tmp_path: Path) -> None:
    write_model(tmp_path / "m.json", make(lr=0.003, seed=7, steps=9))
    ok("export", tmp_path / "m.json", tmp_path / "m.safetensors")
    metadata = header_of(tmp_path / "m.safetensors")
    assert set(json.loads(metadata["config"])) == set(SHAPE)
    assert "step" not in metadata
    opened, notices = open_model(tmp_path / "m.safetensors")
    assert (opened.step, opened.stated, notices) == (None, frozenset(SHAPE), [])
    shown = ok("inspect", tmp_path / "m.safetensors").out
    assert "it holds no recipe" in shown
    assert not re.search(r"\b(lr|seed|steps|0\.01)\b", shown)
    ok("export", tmp_path / "m.safetensors", tmp_path / "again.safetensors")
    assert header_of(tmp_path / "again.safetensors") == metadata


def test_safetensors_of_a_run_keep_recipe_and_step(tmp_path: Path, own_list: Path) -> None:
    flags = ["--n-embd", 4, "--n-head", 2, "--steps", 9, "--lr", 0.003, "--seed", 7]
    ok("train", own_list, *flags, "--stop-after", 3, "--out", tmp_path / "r")
    ok("export", tmp_path / "r", tmp_path / "m.safetensors")
    metadata = header_of(tmp_path / "m.safetensors")
    assert metadata["step"] == "3"
    opened, _ = open_model(tmp_path / "m.safetensors")
    assert opened.step == 3
    assert opened.config == open_model(tmp_path / "r")[0].config
    shown = ok("inspect", tmp_path / "m.safetensors").out
    assert "it holds no recipe" not in shown
    assert re.search(r"lr +0\.003, linear", shown) and re.search(r"seed +7", shown)
    assert "after step 3 of 9" in shown
    event = ok("eval", tmp_path / "m.safetensors", own_list, "--json").of("eval")[0]
    assert event["step"] == 3
    write_safetensors(tmp_path / "again", as_model(opened))
    assert (tmp_path / "again").read_bytes() == (tmp_path / "m.safetensors").read_bytes()


def test_a_recipe_stated_in_part_is_kept_in_part(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    model = make(lr=0.003, seed=7)
    model.stated = frozenset([*SHAPE, "lr", "schedule", "warmup", "optimizer"])
    write_safetensors(path, model)
    again = read_safetensors(path)[0]
    assert again.stated == model.stated
    assert (again.config.lr, again.config.seed) == (0.003, 42)
    shown = ok("inspect", path).out
    assert re.search(r"lr +0\.003, linear", shown)
    assert not re.search(r"\b(seed|beta1|steps)\b", shown)


@pytest.mark.parametrize("step", ["-1", "1.5", "", "x", "9" * 30, "١"])
def test_a_step_that_is_none(tmp_path: Path, step: str) -> None:
    model = make()
    model.step = 1
    write_safetensors(tmp_path / "m", model)
    data = (tmp_path / "m").read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    header["__metadata__"]["step"] = step
    text = json.dumps(header).encode()
    (tmp_path / "m").write_bytes(len(text).to_bytes(8, "little") + text + data[8 + length :])
    with pytest.raises(CheckpointError, match=r"step is .*, must be a whole number"):
        read_safetensors(tmp_path / "m")
