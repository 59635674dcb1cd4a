"""Runs on byte pairs: from train to sample, eval, resume and export, and what is refused."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import engine_names
from cli_runner import SMALL, TINY, microgpt, ok, refused, snapshot, tree, written
from microgpt.batches import TokenTable, token_counts
from microgpt.config import Config
from microgpt.data import load_data
from microgpt.disk.modelfile import read_safetensors
from microgpt.inspection.pictures import token_name
from microgpt.opening import open_model
from microgpt.start import begin, hold_out, suited, trained_on
from microgpt.subwords import BytePairTokenizer
from microgpt.vocabulary import Wanted
from training_runs import DOCS, dataset, tiny

pytestmark = pytest.mark.usefixtures("empty_directory")

BPE = ["--tokenizer", "bpe", "--vocab-size", 270]
NAMES = "\n".join([*DOCS, "Zoë", "madam adam"])
PLAY = "To be, or not to be: that is the question.\nÇa va? 日本 – so be it.\n" * 9
RUNNING = ["play.txt", "--split-by", "none", *TINY, "--block-size", 8, "--steps", 6]


@pytest.fixture
def run() -> Path:
    """A run on names, at its end."""
    written("names.txt", NAMES)
    ok("train", "names.txt", *SMALL, *BPE, "--out", "r")
    return Path("r")


def numbers(run: str | Path) -> dict[str, bytes]:
    """Weights and optimiser of the newest save; the state has the digest of a log with times."""
    return {n: data for n, data in snapshot(Path(run)).items() if n.endswith(".safetensors")}


# ------------------------------------------------------------------ tokens of documents


@pytest.mark.parametrize("at_once", [3, 10**6])
def test_a_table_holds_what_each_document_is_by_itself(
    monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr("microgpt.batches._AT_ONCE", at_once)
    docs = [*NAMES.split("\n"), "日本語 😀", "x", "ada"]
    tokenizer = BytePairTokenizer.of(docs, 270)
    table = TokenTable(docs, tokenizer)
    for i, doc in enumerate(docs):
        tokens = table.tokens[table.starts[i] : table.starts[i] + table.lengths[i]].tolist()
        assert tokens == tokenizer.encode_document(doc)
    assert len(table.tokens) == table.lengths.sum() - len(docs) + 1
    assert table.tokens.dtype == np.uint16 and table.bytes_of[tokenizer.bos] == 1
    assert token_counts(docs, tokenizer).tolist() == (table.lengths - 2).tolist()
    assert TokenTable([], tokenizer).tokens.tolist() == [tokenizer.bos]


def test_merges_are_trained_on_what_the_run_trains_on() -> None:
    data = dataset(["abab"] * 4 + ["cdcd", "efefef", "ghgh", "xyxyxy"])
    held = tiny(holdout=0.3)
    assert sorted(trained_on(held, data)) == sorted(hold_out(held, data).train)
    assert len(trained_on(held, data)) < len(data.docs)
    reached = tiny(steps=2)
    assert trained_on(reached, data) == begin(reached, data).docs[:2]
    assert len(trained_on(tiny(steps=2, long="window"), data)) == len(data.docs)
    tokenizer = Wanted("bpe", 258).of(held, data)
    assert isinstance(tokenizer, BytePairTokenizer)
    only = BytePairTokenizer.of(hold_out(held, data).train, 258)
    assert tokenizer.merges == only.merges


def test_windows_suit_a_text_of_more_tokens_than_a_block() -> None:
    Path("play.txt").write_text("ab" * 10)
    data = load_data(Path("play.txt"), "none")
    tokenizer = BytePairTokenizer.of(data.docs, 259)  # abab is one token: five are left
    assert token_counts(data.docs, tokenizer).tolist() == [5]
    assert suited(Config(block_size=8), data).long == "window"
    assert suited(Config(block_size=8), data, tokenizer).long == "cut"
    assert suited(Config(block_size=5), data, tokenizer).long == "window"


# ------------------------------------------------------------------ a run


def test_a_run_of_byte_pairs_from_its_first_step_to_its_last() -> None:
    written("play.txt", PLAY)
    said = ok("train", *RUNNING, *BPE, "--holdout", 0.2, "--out", "whole").out
    assert "vocabulary  270 byte-pair tokens (256 bytes, 13 merges and BOS)" in said
    assert "characters each)" in said and "bits per byte" in said
    assert "counting which token follows which, on the same text" in said
    ok("train", *RUNNING, *BPE, "--holdout", 0.2, "--out", "cut", "--stop-after", 2)
    begun = ok("train", "--resume", "cut", "--json").of("run")[0]
    assert begun["tokenizer"] == "270 byte-pair tokens"
    assert numbers("cut") == numbers("whole")
    files = {path.name for path in Path("whole/step-00000006").iterdir()}
    assert "tokenizer.json" in files and "vocab.json" not in files
    facts = json.loads(Path("whole/run.json").read_text())
    assert facts["format"] == 1 and facts["tokenizer"]["file"] == "tokenizer.json"

    samples = ok("sample", "whole", "--prefix", "to 本", "--length", 9, "--json").of("samples")[0]
    assert len(samples) == 3 and all(one["text"].startswith("to 本") for one in samples)
    found = ok("eval", "whole", "--json").of("eval")[0]
    tail = PLAY.rstrip("\n")[-int(len(PLAY.rstrip("\n")) * 0.2) :]
    bits = found["loss"] * found["tokens"] / np.log(2) / (len(tail.encode()) + 1)
    assert found["bits_per_byte"] == pytest.approx(bits, abs=1e-12)
    assert "tokenizer.json  ok" in ok("doctor", "whole").out


@pytest.mark.parametrize("engine", engine_names.every("torch"))
def test_every_engine_trains_on_byte_pairs_and_goes_on_from_another(engine: str) -> None:
    written("names.txt", NAMES)
    base = ["train", "names.txt", *TINY, "--block-size", 6, "--steps", 4, *BPE]
    ok(*base, "--engine", "numpy", "--out", "a")
    ok(*base, "--engine", "numpy", "--out", "b", "--stop-after", 2)
    ok("train", "--resume", "b", "--engine", engine)
    a, b = (open_model(name)[0] for name in "ab")
    assert Path("a/tokenizer.json").read_bytes() == Path("b/tokenizer.json").read_bytes()
    for name, weights in a.weights.items():
        np.testing.assert_allclose(b.weights[name], weights, rtol=0, atol=1e-9)
    assert ok("sample", "a", "--engine", "numpy").out == ok("sample", "b", "--engine", engine).out


def test_texts_that_tokens_cannot_write_are_replaced(run: Path) -> None:
    out = ok("sample", run, "--temperature", 1000, "--unique", "--new", "--plain", "-n", 40).out
    assert "\ufffd" in out and len(set(out.splitlines())) == 40
    assert "must be fewer than 8" in refused(2, "sample", run, "--prefix", "日本語")
    assert "9 tokens" in refused(2, "sample", run, "--prefix", "日本語")


def test_settings_in_toml_and_a_file_that_is_given(run: Path) -> None:
    written("own.toml", 'file = "names.txt"\ntokenizer = "bpe"\nvocab_size = 270\nsteps = 12\n'
            "n_embd = 4\nn_head = 2\nblock_size = 8\n")  # fmt: skip
    ok("train", "--config", "own.toml", "--out", "toml")
    assert numbers("toml") == numbers(run)
    file = shutil.copy(run / "tokenizer.json", "t.json")
    ok("train", "names.txt", *SMALL, "--tokenizer", file, "--vocab-size", 270, "--out", "given")
    assert snapshot(Path("given"))["weights.safetensors"] == (snapshot(run)["weights.safetensors"])
    assert "--tokenizer bpe --vocab-size 270" in ok("inspect", run).out
    assert "--tokenizer given/tokenizer.json" in ok("inspect", "given").out
    Path(file).unlink()  # the run has its own
    ok("sample", "given")


def test_a_vocabulary_of_byte_pairs_is_shown(run: Path) -> None:
    said = ok("inspect", run).out
    assert "vocabulary        270 tokens: 256 bytes, 13 merges, and BOS" in said
    ok("inspect", run, "--html", "p.html", "--word", "a Zoë\n")
    page = Path("p.html").read_text(encoding="utf-8")
    for name in ("␣", "↵", "<c3>", "<ab>"):
        assert f"<bdi>{name.replace('<', '&lt;').replace('>', '&gt;')}</bdi>" in page
    tokenizer = BytePairTokenizer.of(["a  b a  b"], 258)
    assert token_name(tokenizer, 256) == "␣b"


# ------------------------------------------------------------------ files


def test_safetensors_carry_byte_pairs_and_model_json_refuses_them(run: Path) -> None:
    ok("export", run, "r.safetensors")
    model, notices = read_safetensors("r.safetensors")
    assert notices == [] and model.tokenizer.stored()[1] == (run / "tokenizer.json").read_bytes()
    seeded = ["--seed", 5, "-n", 4, "--plain"]
    assert ok("sample", "r.safetensors", *seeded).out == ok("sample", run, *seeded).out
    data = Path("r.safetensors").read_bytes()
    written("changed.safetensors", data.replace(b"<|bos|>", b"<|sob|>"))
    assert "metadata_digest" in refused(3, "sample", "changed.safetensors")
    said = refused(3, "export", run, "r.json")
    assert "a model.json can't say 270 byte-pair tokens" in said and ".safetensors" in said


def test_an_import_keeps_its_byte_pairs(run: Path) -> None:
    ok("export", run, "r.safetensors")
    written("other.txt", "Σίσυφος\nada\n")
    Path("new/.tmp-import-0123456789ab").mkdir(parents=True)  # of an import that was killed
    for name in (".lock", "tokenizer.json"):
        Path("new", name).touch()
    for model in (run, "r.safetensors"):
        out = ok("import", model, "other.txt", "--steps", 2, "--out", "new")
        assert "new to" not in out.err
        ok("train", "--resume", "new", "--quiet")
        words = Path("new/tokenizer.json").read_bytes()
        assert words == (run / "tokenizer.json").read_bytes()
        shutil.rmtree("new")


@pytest.mark.parametrize("files", [{"tokenizer.json": b"{}", ".lock": b""}, {"vocab.json": b"{}"}])
def test_what_a_killed_start_left_is_no_hindrance(run: Path, files: dict[str, bytes]) -> None:
    good = tree(run)
    for more in ([], BPE):
        Path("new").mkdir()
        for name, data in files.items():
            Path("new", name).write_bytes(data)
        ok("train", "names.txt", *SMALL, *more, "--out", "new")
        assert ("tokenizer.json" in tree(Path("new"))) == bool(more)
        assert ("vocab.json" in tree(Path("new"))) != bool(more)
        shutil.rmtree("new")
    Path("new").mkdir()
    Path("new/tokenizer.json").write_bytes(good["tokenizer.json"])  # by itself anyone's
    said = refused(3, "train", "names.txt", *SMALL, *BPE, "--out", "new")
    assert "is not empty: it holds 'tokenizer.json'" in said
    assert "is not empty: it holds 'tokenizer.json'" in refused(3, "import", run, "--out", "new")


def test_a_tokenizer_of_another_run_is_not_taken(run: Path) -> None:
    good = (run / "tokenizer.json").read_bytes()
    other = BytePairTokenizer.of(["xyxyzzxy"] * 3, 259).stored()[1]
    (run / "tokenizer.json").write_bytes(other)
    assert "the copy in step-00000012 is used" in ok("sample", run).err
    said = microgpt("doctor", run)
    assert said.code == 3 and "tokenizer.json  damaged" in said.out
    assert "was put back" in ok("train", "--resume", run).err
    assert (run / "tokenizer.json").read_bytes() == good

    ok("train", "names.txt", *SMALL, *BPE, "--out", "new")
    for path in Path("new").glob("**/tokenizer.json"):
        path.write_bytes(other)
    assert "tokenizer.json has changed since it was saved" in refused(3, "sample", "new")
    shutil.rmtree("new/step-00000000", ignore_errors=True)
    for path in Path("new").glob("step-*"):
        shutil.rmtree(path)
    Path("new/latest").unlink()  # stopped before its first save: run.json knows what it was
    said = refused(3, "train", "--resume", "new")
    assert "new/tokenizer.json isn't the tokenizer that the run began with" in said
    assert "doesn't match its SHA-256 in run.json" in microgpt("doctor", "new").out
    facts = json.loads(Path("new/run.json").read_text())
    facts["tokenizer"].pop("sha256")
    Path("new/run.json").write_text(json.dumps(facts))
    said = refused(3, "train", "--resume", "new")
    assert "has 259 tokens, the run's model has 270" in said
    facts["tokenizer"]["file"] = "words.bin"
    Path("new/run.json").write_text(json.dumps(facts))
    assert "tokenizer.file is 'words.bin', must be" in refused(3, "sample", "new")


# ------------------------------------------------------------------ refusals


@pytest.mark.parametrize(
    ("flags", "code", "says"),
    [
        (["--vocab-size", 300], 2, "a vocabulary of characters is as large as the data makes it"),
        (["--tokenizer", "char", "--vocab-size", 300], 2, "Add --tokenizer bpe"),
        (["--tokenizer", "bpe", "--vocab-size", 256], 2, "must be from 257 to"),
        (["--tokenizer", "bpe", "--vocab-size", 900], 2, "no pair is left that occurs: at most"),
        (["--tokenizer", "bpe", "--steps", 1], 2, "1 document that the planned steps reach"),
        (["--tokenizer", "words"], 3, "there is no file of that name"),
        (["--tokenizer", "."], 3, "--tokenizer is ., which is a directory"),
        (["--tokenizer", "names.txt"], 3, "names.txt"),
        (["--tokenizer", "t.json", "--vocab-size", 300], 2, "t.json has 258 tokens"),
    ],
)
def test_a_tokenizer_that_cannot_be_had_is_refused_before_any_work(
    flags: list[object], code: int, says: str
) -> None:
    written("names.txt", NAMES)
    written("t.json", BytePairTokenizer.of(["abab"], 258).stored()[1])
    assert says in refused(code, "train", "names.txt", *flags, "--out", "r")
    if "--steps" not in flags:
        assert says in refused(code, "bench", "names.txt", *flags)
    assert not Path("r").exists() and not Path("runs").exists()


def test_what_needs_characters_says_so(run: Path) -> None:
    for command in (["bot", run], ["chat", run], ["grade", "names.txt", "--model", run]):
        said = refused(2, *command)
        assert "r has 270 byte-pair tokens, and" in said and "a model of characters" in said
    for flag in (["--tokenizer", "char"], ["--vocab-size", 270]):
        assert f"{flag[0]} can't be changed when a run is resumed" in refused(
            2, "train", "--resume", run, *flag
        )


def test_bench_says_what_its_tokens_are() -> None:
    written("names.txt", NAMES)
    flags = ["--engines", "numpy", "--dtypes", "float64", "--batch-sizes", 1, "--rounds", 1]
    said = ok("bench", "names.txt", *TINY, *BPE, *flags, "--no-sampling").out
    assert "data     names.txt in 270 byte-pair tokens:" in said
