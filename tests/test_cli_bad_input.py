"""What a user can get wrong: data files, flags, and settings in TOML.

Each gets one clear line (value, limit), mostly a second one with the remedy, its documented exit
code and no traceback, and nothing that was written before is lost.
"""

import json
from pathlib import Path

import pytest

from cli_runner import (
    DOCS,
    ONLY_ASCII,
    SMALL,
    TINY,
    microgpt,
    ok,
    posix,
    process,
    refused,
    tree,
    written,
)

pytestmark = pytest.mark.usefixtures("own_list")


# ---------------------------------------------------------------- data files


@pytest.mark.parametrize(
    ("content", "code", "says"),
    [
        (b"", 2, "is empty or only white space: it holds no document"),
        (b"\n \n\t\n", 2, "is empty or only white space"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", 2, "is not text: it looks like a PNG image"),
        (b"ada\n\xcf\xf0\xe8\n", 2, "is not UTF-8: byte 4, in line 2, is 0xcf"),
        (b"\x1f\x8b\x08\x00broken", 3, "is damaged gzip data"),
    ],
)
def test_files_that_are_no_text(content: bytes, code: int, says: str) -> None:
    written("bad.txt", content)
    said = refused(code, "train", "bad.txt")
    assert says in said and "bad.txt" in said and len(said.splitlines()) == 2
    assert not Path("runs").exists()
    ok("train", "own.txt", *SMALL, "--out", "r")
    assert says in refused(code, "eval", "r", "bad.txt")


def test_files_that_are_not_there() -> None:
    said = refused(3, "train", "nowhere.txt")
    assert "There is no file nowhere.txt" in said
    assert "names" in refused(3, "train", "nmaes")
    assert "is a directory" in refused(3, "train", ".")
    assert not Path("runs").exists()


def test_one_document_is_trained_on_with_a_warning() -> None:
    written("one.txt", "ada\n")
    result = ok("train", "one.txt", *SMALL)
    assert "will mostly memorise" in result.err
    assert "no held-out loss" in result.out
    said = refused(2, "train", "one.txt", *SMALL, "--holdout", 0.1)
    assert "holdout 0.1 would split 1 distinct documents into" in said


def test_crlf_and_bom_change_nothing() -> None:
    written("crlf.txt", DOCS.replace("\n", "\r\n"))
    written("bom.txt", b"\xef\xbb\xbf" + DOCS.encode())
    written("mac.txt", DOCS.replace("\n", "\r"))
    expected = ok("train", "own.txt", *SMALL, "--json")
    for name in ("crlf.txt", "bom.txt", "mac.txt"):
        result = ok("train", name, *SMALL, "--json")
        assert result.losses == expected.losses, name
        assert result.of("samples") == expected.of("samples")
        vocab = json.loads(Path(f"runs/{name[:-4]}-1/vocab.json").read_text())
        assert vocab["uchars"] == sorted(set(DOCS) - {"\n"})


def test_a_line_of_10_mb() -> None:
    written("long.txt", "ada\n" + "abcdefghij" * 1_000_000 + "\n")
    result = ok("train", "long.txt", *SMALL, "--out", "r")
    assert "longest" in result.out or "10,000,000" in result.out
    assert "1 of 2 documents are longer than block_size 8" in result.err
    assert len(result.out) < 10_000
    assert len(ok("sample", "r").out) < 10_000
    ok("train", "long.txt", *SMALL, "--long", "window", "--out", "w")


def test_emoji_and_astral_characters() -> None:
    written("signs.txt", "é😀a\n😀￮é\n👩‍👩‍👧z\n𝔸b\n")
    result = ok("train", "signs.txt", *SMALL, "--json", "--out", "r")
    chars = json.loads(Path("r/vocab.json").read_text())["uchars"]
    assert chars == sorted(set("é😀a😀￮é👩‍👩‍👧z𝔸b"), key=ord)
    assert chars.index("￮") < chars.index("𝔸") < chars.index("😀")  # not UTF-16's order
    assert set("".join(s["text"] for s in result.of("samples")[0])) <= set(chars)
    ok("export", "r", "m.json")
    assert ok("sample", "m.json", "--json").code == 0
    shown = process("sample", "r", cwd=Path.cwd(), **ONLY_ASCII)
    assert shown.code == 0 and shown.out.isascii() and "sample 20:" in shown.out
    shown = process("sample", "r", cwd=Path.cwd(), PYTHONIOENCODING="latin-1:strict")
    assert shown.code == 0 and "sample 20:" in shown.out


@pytest.mark.parametrize("sign", ["\x1b[2J", "\x07", "\x9b31m", "\u202e", "\x7f"])
def test_documents_cannot_reach_the_terminal_raw(sign: str) -> None:
    written("evil.txt", f"a{sign}b\n" * 3 + f"{sign}\n")
    result = ok("train", "evil.txt", *SMALL, "--out", "r")
    for shown in (result, ok("sample", "r"), ok("sample", "r", "--count", 1, "--length", 90)):
        assert not set(sign) - set("[2J31m") & set(shown.out + shown.err)
    made = ok("sample", "r", "--json")
    assert made.out.count("\n") == 1 and "\x1b" not in made.out
    said = refused(2, "eval", "r", written("more.txt", f"a{sign}\x06c\n"))
    assert "is not in the vocabulary" in said


def test_samples_of_many_lines_stay_apart() -> None:
    written("text.txt", "ada\nida\n" * 30)
    ok("train", "text.txt", *SMALL, "--split-by", "none", "--long", "window", "--out", "r")
    shown = ok("sample", "r", "--length", 200, "-n", 3, "--temperature", 1).out
    assert sum(line.startswith("sample ") for line in shown.splitlines()) == 3


@posix
def test_names_of_files_cannot_reach_the_terminal_raw() -> None:
    written("a\x1b[31m\n.txt", DOCS)
    result = ok("train", "a\x1b[31m\n.txt", *SMALL)
    assert "\x1b" not in result.out + result.err
    assert "\x1b" not in refused(3, "train", "b\x1b[31m\n.txt")
    run = next(Path("runs").iterdir())
    Path("a\x1b[31m\n.txt").unlink()
    assert "\x1b" not in refused(3, "train", "--resume", run)
    assert "\x1b" not in ok("sample", run).err


# ---------------------------------------------------------------- values of flags


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--block-size", 0], "block_size is 0, must be from 1 to"),
        (["--n-embd", 15], "n_embd 15 is not divisible by n_head 4"),
        (["--n-head", 0], "n_head is 0, must be from 1"),
        (["--n-layer", 0], "n_layer is 0, must be from 1"),
        (["--n-embd", 10**9], "n_embd is 1000000000, must be from 1 to"),
        (["--n-embd", 2**20], "above the limit of 2,000,000,000"),
        (["--steps", 0], "steps is 0, must be from 1 to"),
        (["--steps", -5], "steps is -5, must be from 1 to"),
        (["--lr", "inf"], "lr is inf, must be a finite number"),
        (["--lr", "nan"], "lr is nan, must be a finite number"),
        (["--lr", 0], "lr is 0, must be above 0"),
        (["--lr", -0.1], "lr is -0.1, must be above 0"),
        (["--batch-size", 0], "batch_size is 0"),
        (["--warmup", 2000], "warmup is 2000, must be from 0 to 1000"),
        (["--seed", -1], "seed is -1, must be from 0 to 4294967295"),
        (["--seed", 2**32], "seed is 4294967296, must be from 0 to 4294967295"),
        (["--beta1", 1], "beta1 is 1, must be at least 0 and below 1"),
        (["--eps", 0], "eps is 0, must be above 0"),
        (["--holdout", 0.6], "holdout is 0.6, must be at least 0 and at most 0.5"),
        (["--validation"], "validation needs holdout above 0"),
        (["--activation", "tanh"], "activation is 'tanh', must be one of relu, relu_squared"),
        (["--optimizer", "lion"], "optimizer is 'lion', must be one of adam, sgd"),
        (["--schedule", "step"], "schedule is 'step', must be one of linear, cosine, constant"),
        (["--long", "drop"], "long is 'drop', must be one of cut, window"),
        (["--preset", "late"], "preset is 'late', must be one of final, early"),
        (["--engine", "quantum"], "engine is 'quantum', must be one of auto,"),
        (["--dtype", "float8"], "dtype is 'float8', must be one of float64, float32"),
        (["--threads", 0], "threads is 0, must be from 1 to"),
        (["--split-by", "word"], "split_by is 'word', must be one of line, blank-line, none"),
        (["--save-every", 0], "save-every is 0, must be at least 1"),
        (["--stop-after", 1001], "stop-after is 1001, must be from 0 to the planned 1000"),
        (["--stop-after", -1], "stop-after is -1"),
        (["--steps", "ten"], "--steps is 'ten', must be a whole number"),
        (["--steps", "1.5"], "--steps is '1.5', must be a whole number"),
        (["--threads", "1e3"], "--threads is '1e3', must be a whole number"),
        (["--seed", "1" * 5000], "must be a whole number"),
        (["--lr", "fast"], "--lr is 'fast', must be a number"),
        (["--steps"], "--steps"),
        (["--stepz", 5], "--stepz"),
        (["--long", "window", "--block-size", 50], "a window needs 51"),
        (["--data", "names"], "Both a file, own.txt, and --data names are given"),
    ],
)
def test_values_out_of_range(flags: list[object], says: str) -> None:
    assert says in refused(2, "train", "own.txt", *flags)
    assert sorted(path.name for path in Path.cwd().iterdir()) == ["own.txt"]
    error = microgpt("train", "own.txt", *flags, "--json").lines[-1]["error"]
    assert error["code"] == 2 and says in error["message"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["frobnicate"], "There is no command 'frobnicate'"),
        (["trian"], "Did you mean train?"),
        (["--nonsense"], "No command is given"),
        (["ladder", "1.5"], "RUNG is '1.5', must be a whole number"),
        (["train", "--data", "nmaes"], "--data is 'nmaes', must be one of names, words, dinosaurs"),
        (["export"], "export needs RUN, which isn't given."),
        (["sample", "--count"], "--count needs a value after it."),
        (["export", "r", "x.txt"], "x.txt ends in '.txt', must end in .json, .safetensors or"),
        (["export", "r", "x", "--numbers", "float16"], "--numbers is given, but x is no .gguf"),
        (["import", "m.json"], "import needs --out, which isn't given."),
        (["ladder", "10"], "There is no rung 10, only 0 to 9"),
        (["ladder", "five"], "RUNG is 'five', must be a whole number"),
    ],
)
def test_commands_that_make_no_sense(arguments: list[object], says: str) -> None:
    assert says in refused(2, *arguments)


@pytest.mark.parametrize(
    ("command", "flag", "says"),
    [
        ("train", "--learning-rate", "Did you mean --lr?"),
        ("train", "--learning_rate=0.1", "Did you mean --lr?"),
        ("train", "--max_iters", "Did you mean --steps?"),
        ("train", "--epochs", "Did you mean --steps?"),
        ("train", "--num-steps", "Did you mean --steps?"),
        ("train", "--layers", "Did you mean --n-layer?"),
        ("train", "--heads", "Did you mean --n-head?"),
        ("train", "--embd", "Did you mean --n-embd?"),
        ("train", "--context", "Did you mean --block-size?"),
        ("train", "--bs", "Did you mean --batch-size?"),
        ("bench", "--bs", "Did you mean --batch-sizes?"),
        ("train", "--stpes", "Did you mean --steps?"),
        ("train", "--cuda", "--engine torch --device cuda"),
        ("eval", "--gpu", "--engine torch --device cuda, or mps on a Mac"),
        ("train", "--no-such-thing", "See microgpt train --help"),
        ("train", "-lr", "Long flags begin with two hyphens"),
        ("sample", "--temp", "Did you mean --temperature?"),
        ("sample", "--num_samples", "Did you mean --count?"),
        ("sample", "--max-new-tokens", "Did you mean --length?"),
        ("sample", "--model", "Files and runs are given without a flag"),
        ("grade", "--output-dir", "Did you mean --out?"),
        ("inspect", "--overwrite", "Did you mean --force?"),
    ],
)
def test_flags_of_other_programs(command: str, flag: str, says: str) -> None:
    said = refused(2, command, flag, 3)
    assert f"{command} has no {flag.partition('=')[0]}." in said and says in said


def test_flags_with_underscores_are_the_same() -> None:
    ok("train", "own.txt", "--n_embd", 4, "--n_head=2", "--batch_size", 2, "--steps", 3)
    ok("sample", "--top_k", 3)


def test_flags_behind_the_hyphens_that_end_flags() -> None:
    said = refused(2, "train", "--", "own.txt", "--steps", 3)
    assert "After --, everything is a file name, even --steps" in said
    assert "Put --steps before the --" in said
    written("-odd", DOCS)
    ok("train", "--steps", 3, "--", "-odd")


def test_help_and_version_by_other_words() -> None:
    assert ok("help").out == ok("--help").out
    assert ok("help", "train").out == ok("train", "--help").out
    assert ok("-V").out == ok("--version").out
    assert "There is no command 'trian'" in refused(2, "help", "trian")


def test_block_size_1_works_and_says_what_it_means() -> None:
    result = ok("train", "own.txt", *TINY, "--block-size", 1, "--steps", 12, "--out", "r")
    assert "block_size 1: the model sees only one token" in result.err
    made = ok("sample", "r", "--json").of("samples")[0]
    assert all(len(sample["text"]) <= 1 for sample in made)
    assert max(len(s["text"]) for s in ok("sample", "r", "--length", 9, "--json").of("samples")[0])


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--temperature", 0], "temperature is 0, must be from 0.001 to 1000"),
        (["--temperature", -1], "temperature is -1"),
        (["--temperature", "nan"], "temperature is nan"),
        (["--top-k", 0], "top-k is 0, must be at least 1"),
        (["--top-p", 0], "top-p is 0, must be above 0 and at most 1"),
        (["--top-p", 2], "top-p is 2, must be above 0 and at most 1"),
        (["--count", 0], "count is 0, must be from 1 to"),
        (["--count", -3], "count is -3"),
        (["--seed", -1], "seed is -1, must be from 0 to 4294967295"),
        (["--seed", 2**32], "seed is 4294967296"),
        (["--length", 0], "length is 0, must be from 1 to"),
        (["--order", "columns"], "order is 'columns', must be one of sequential, rows"),
        (["--greedy", "--top-k", 3], "--greedy means --top-k 1"),
        (["--prefix", "adaadaad"], "The prefix has 8 characters, must be fewer than 8"),
        (["--prefix", "é"], "'é' at position 0 of 'é' is not in the vocabulary"),
        (["--prefix", "a", "--length", 1], "The prefix has 1 characters, must be fewer than 1"),
        (["--unknown", "drop"], "unknown is 'drop', must be"),
        (["--engine", "quantum"], "engine is 'quantum'"),
    ],
)
def test_sampling_flags_out_of_range(finished: Path, flags: list[object], says: str) -> None:
    before = tree(finished)
    assert says in refused(2, "sample", finished, *flags)
    assert tree(finished) == before


def test_characters_the_model_has_never_seen(finished: Path) -> None:
    said = refused(2, "sample", finished, "--prefix", "adxa")
    assert "'x' at position 2 of 'adxa' is not in the vocabulary (6 characters a d e i l v)" in said
    assert "--unknown=skip" in said
    made = ok("sample", finished, "--prefix", "axd", "--unknown", "skip", "--json").of("samples")[0]
    assert all(sample["text"].startswith("ad") for sample in made)


# ---------------------------------------------------------------- TOML


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ("steps = ", 2, "c.toml is not TOML"),
        (b"\xff\xfe", 2, "c.toml is not TOML"),
        ("x = " + "[" * 5000, 2, "c.toml is not TOML"),
        ("steps = 1" + "0" * 5000, 2, "c.toml is not TOML"),
        (
            "steps = 1.5",
            2,
            "c.toml: steps is 1.5, must be a whole number, not one with a decimal point",
        ),
        ("stepz = 3", 2, "c.toml: 'stepz' is not a setting"),
        ("[model]\nn_embd = 4", 2, "c.toml: 'model' is not a setting"),
        ("vocab_size = 5", 2, "a vocabulary of characters is as large as"),
        ('steps = "ten"', 2, "steps is 'ten', must be a whole number"),
        ("steps = 1.5", 2, "steps is 1.5, must be a whole number"),
        ("steps = true", 2, "steps is True, must be a whole number"),
        ('lr = "fast"', 2, "lr is 'fast', must be a finite number"),
        ("lr = inf", 2, "lr is inf, must be a finite number"),
        ("lr = 1" + "0" * 400, 2, "must be above 0 and at most 1e+06"),
        ("validation = 1", 2, "validation is 1, must be true or false"),
        ("activation = []", 2, "activation is [], must be text in quotes, not a list"),
        ('activation = "tanh"', 2, "activation is 'tanh', must be one of"),
        ("seed = 1979-05-27", 2, "must be a whole number, not a date or a time"),
        ("n-embd = 8", 2, "Did you mean n_embd?"),
        ("n_embed = 8", 2, "Did you mean n_embd?"),
        ("learning_rate = 0.1", 2, "Did you mean lr?"),
        ("max_iters = 5", 2, "Did you mean steps?"),
        ("amp = true", 2, "--dtype bfloat16"),
        (
            'data = "names"\nfile = "own.txt"',
            2,
            "both data, 'names', and file, 'own.txt', are given",
        ),
        ('save_every = "x"', 2, "save_every is 'x', must be a whole number"),
        ("save_every = true", 2, "save_every is True, must be a whole number"),
        ('threads = "2"', 2, "threads is '2', must be a whole number"),
        ('data = ["x"]', 2, "data is ['x'], must be text in quotes"),
        ("file = 5", 2, "file is 5, must be text in quotes"),
        ("file = []", 2, "file is [], must be text in quotes, or a list of texts"),
        ('file = ["a", 5]', 2, "file is ['a', 5], must be text in quotes, or a list of texts"),
        ("column = 2", 2, "column is 2, must be text in quotes"),
        ('encoding = "utf9"', 2, "encoding is 'utf9', must be a text encoding"),
        ('file = "a\\u0000b"', 2, "must be text in quotes"),
        ("engine = [1]", 2, "engine is [1], must be text in quotes"),
        ("dtype = []", 2, "dtype is [], must be text in quotes"),
        ("preset = {}", 2, "preset is {}, must be text in quotes"),
        ("split_by = 3", 2, "split_by is 3, must be text in quotes"),
        ('file = "nowhere.txt"', 3, "There is no file nowhere.txt"),
    ],
)
def test_toml_files(text: str | bytes, code: int, says: str) -> None:
    written("c.toml", text)
    assert says in refused(code, "train", "--config", "c.toml")
    assert not Path("runs").exists()


def test_toml_files_that_are_not_there() -> None:
    assert "nowhere.toml can't be read" in refused(3, "train", "--config", "nowhere.toml")
    assert "can't be read" in refused(3, "train", "--config", ".")
