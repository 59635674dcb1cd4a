"""One running text instead of documents: windows, its end held out, passages."""

import itertools
import math
import random
import shlex
from pathlib import Path
from typing import Any

import pytest

from cli_runner import SMALL, microgpt, ok
from microgpt.cli.screen import MARK_SIGNS
from microgpt.data import Dataset, load_data
from microgpt.inspection.facts import repeat_command
from microgpt.opening import open_model
from microgpt.sampling import Marks
from microgpt.start import Writes, hold_out, marks_at, suited
from microgpt.summary import summary
from microgpt.training import Trainer
from training_runs import tiny

PLAY = "To be, or not to be: that is the question.\n\n" * 20


def one(text: str = PLAY) -> Dataset:
    return Dataset("play.txt", Path("play.txt"), "0" * 64, [text.rstrip("\n")], "none")


@pytest.fixture(autouse=True)
def _play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("play.txt").write_text(PLAY, encoding="utf-8")


# ------------------------------------------------------------------ what is running text


def test_the_bundled_one_is_one_document_unless_asked_otherwise() -> None:
    text = load_data("shakespeare")
    assert (text.name, text.split_by, text.running) == ("shakespeare", "none", True)
    assert text.docs == [text.path.read_text(encoding="utf-8").removesuffix("\n")]
    by_line = load_data("shakespeare", "line")
    assert (len(by_line.docs), by_line.running) == (32_777, False)
    copy = Path("shakespeare.txt")
    copy.write_bytes(text.path.read_bytes())
    assert load_data(copy).split_by == load_data("words").split_by == "line"
    assert load_data(["shakespeare", "words"]).split_by == "line"
    assert load_data(copy, "none").running and not load_data([copy, copy], "none").running


def test_it_is_summed_up_without_documents() -> None:
    assert summary(load_data("shakespeare"), 64).lines() == [
        "data        shakespeare, one running text",
        "characters  1,115,393",
        "vocabulary  66 (65 characters and BOS)",
        "block size  64",
    ]


def test_windows_are_for_a_text_that_is_longer_than_a_block() -> None:
    assert suited(tiny(), one()).long == "window"
    assert suited(tiny(block_size=6), one("abcde")).long == "cut"
    assert suited(tiny(block_size=5), one("abcde")).long == "window"
    lines = Dataset("play.txt", Path("play.txt"), "", [PLAY, PLAY], "line")
    assert suited(tiny(), lines) == tiny()


# ------------------------------------------------------------------ what train and others choose


def described(*arguments: object) -> dict[str, Any]:
    """The first line of ``train --json``, before any step."""
    (run,) = ok("train", *arguments, *SMALL, "--stop-after", 0, "--json").of("run")
    assert isinstance(run, dict)
    return run


def test_train_chooses_whole_text_and_windows_and_what_is_given_wins() -> None:
    run = described("--data", "shakespeare")
    assert run["data"]["split_by"] == "none" and run["data"]["path"] is None
    assert run["config"]["long"] == "window"
    assert described("play.txt", "--split-by", "none")["config"]["long"] == "window"
    assert described("--data", "shakespeare", "--long", "cut")["config"]["long"] == "cut"
    for key, value in (("long", "cut"), ("split_by", "blank-line")):
        Path("own.toml").write_text(f'data = "shakespeare"\n{key} = "{value}"\n')
        run = described("--config", "own.toml")
        assert run["config"]["long"] == "cut"
        assert run["data"]["split_by"] == ("none" if key == "long" else "blank-line")
    run = described("--data", "shakespeare", "--split-by", "line")
    assert (run["data"]["documents"], run["config"]["long"]) == (32_777, "cut")


def test_import_and_bench_choose_alike() -> None:
    ok("train", "--data", "words", *SMALL, "--out", "w")
    for model, flags, long in (
        (["w", "play.txt", "--split-by", "none"], [], "window"),
        (["w", "play.txt", "--split-by", "none"], ["--long", "cut"], "cut"),
        (["w"], [], "cut"),
    ):
        out = f"to-{len(list(Path().iterdir()))}"
        ok("import", *model, *flags, "--out", out)
        assert open_model(out)[0].config.long == long
    quick = ["--engines", "numpy", "--dtypes", "float64", "--rounds", 1]
    said = ok("bench", "--data", "shakespeare", *quick, "--batch-sizes", 2, "--no-sampling").out
    assert "16.000 positions" in said and "FLOP per window" in said and "µs per window" in said


def test_the_screen_says_what_is_done_and_why() -> None:
    said = ok("train", "play.txt", "--split-by", "none", *SMALL)
    assert "each step   random windows, since one text has no documents" in said.out
    assert "12 steps of 1 window" in said.out and "longer than" not in said.err
    assert "counting which character follows which, on the same text" in said.out
    assert "Its end\n  can be held out: --holdout 0.1" in said.out
    cut = ok("train", "play.txt", "--split-by", "none", "--long", "cut", *SMALL)
    assert "note: only the text's first 7 characters are trained on" in cut.err
    assert "random windows" not in cut.out and "sample 20:" in cut.out


@pytest.mark.parametrize("flags", [["--long", "cut"], ["--split-by", "line"], []])
def test_the_command_to_repeat_it_repeats_it(flags: list[str]) -> None:
    said = described("--data", "shakespeare", *flags, "--out", "r")
    command = repeat_command(open_model("r")[0])
    assert command is not None
    again = ok(*shlex.split(command)[1:], "--stop-after", 0, "--json").of("run")[0]
    assert again["config"] == said["config"] and again["data"] == said["data"]


# ------------------------------------------------------------------ its end is held out


def test_every_position_of_the_last_tenth_is_measured() -> None:
    flags = ["--split-by", "none", *SMALL, "--holdout", 0.1, "--eval-every", 6]
    result = ok("train", "play.txt", *flags, "--eval-docs", 0, "--out", "r", "--json")
    (early, late) = result.of("eval")
    tail = PLAY.rstrip("\n")[-(len(PLAY.rstrip("\n")) // 10) :]
    for event in (early, late):
        assert (event["split"], event["tokens"]) == ("tail", len(tail) + 1)
        assert event["bits_per_byte"] == pytest.approx(
            event["loss"] * event["tokens"] / math.log(2) / (len(tail.encode()) + 1)
        )
    assert ok("eval", "r", "--json").of("eval") == [late]
    shown = ok("eval", "r").out
    assert shown.endswith(f" bits per byte\n  on tail: one text, {len(tail) + 1} tokens\n")
    few = ok("eval", "r", "--eval-docs", 3)
    windows = -(-(len(tail) + 1) // 8)
    assert f"24 tokens, a sample: 3 of {windows} windows\n" in few.out
    told = ok("train", "--resume", "r").out
    assert f" {late['bits_per_byte']:.2f} bits per byte, {len(tail) + 1} tokens\n" in told


def test_the_part_for_validation_is_named() -> None:
    flags = ["--holdout", 0.1, "--validation", "--eval-every", 0]
    said = ok("train", "play.txt", "--split-by", "none", *SMALL, *flags)
    assert "this model, on the part before the end, kept for validation:\n" in said.out
    assert "this model, on the end of the text, which was held out:\n" in said.out
    assert said.out.count(" bits per byte, 88 tokens\n") == 2


def test_of_several_whole_texts_it_is_the_end_of_each() -> None:
    texts = ["abcdefghij" * 3, "klmnopqrst" * 5]
    data = Dataset("some", Path("some"), "0" * 64, texts, "none")
    kept_out = hold_out(tiny(holdout=0.1, validation=True), data)
    assert kept_out.label == "tail"
    assert kept_out.train == [texts[0][:24], texts[1][:40]]
    assert kept_out.validation == [texts[0][24:27], texts[1][40:45]]
    assert kept_out.holdout == [texts[0][27:], texts[1][45:]]


def test_a_file_is_cut_as_the_run_s_own_data_was() -> None:
    ok("train", "play.txt", "--split-by", "none", *SMALL, "--out", "r")
    Path("more.txt").write_text("to be\nor not\n")
    whole, lines = (
        ok("eval", "r", "more.txt", *flags, "--json").of("eval")[0]
        for flags in ([], ["--split-by", "line"])
    )
    assert whole["tokens"] == len("to be\nor not") + 1
    assert lines["tokens"] == len("to be") + 1 + len("or not") + 1
    Path("more.csv").write_text("said\nto be\nor not\n")
    column = ok("eval", "r", "more.csv", "--column", "said", "--json").of("eval")[0]
    assert column == lines


# ------------------------------------------------------------------ passages


def test_how_much_is_written() -> None:
    assert Writes.of(tiny(), running=False) == Writes(20, 5, None)
    assert Writes.of(tiny(), running=True) == Writes(20, 5, None)  # cut: as documents
    for block, length in ((6, 200), (200, 200), (256, 256), (500, 500), (2000, 500)):
        config = tiny(long="window", block_size=block)
        assert Writes.of(config, running=True) == Writes(3, 1, length)
        assert Writes.of(config, running=True, slow=True) == Writes(3, 1, None)


def test_sample_prints_the_passages_that_training_printed() -> None:
    flags = ["--split-by", "none", *SMALL, "--sample-every", 5, "--out", "r"]
    result = ok("train", "play.txt", *flags, "--json")
    *early, late = result.of("samples")
    assert [len(samples) for samples in early] == [1, 1]
    texts = [sample["text"] for sample in late]
    assert len(texts) == 3 and 8 < max(map(len, texts)) <= 200
    assert ok("sample", "r", "--json").of("samples") == [late]
    shown = ok("sample", "r").out
    for i, sample in enumerate(late, 1):
        mark = sample["mark"]
        assert f"sample  {i}: {MARK_SIGNS[mark]} {mark}\n{sample['text']}" in shown
    plain = ok("sample", "r", "--plain", "-n", 7, "--length", 30).out.splitlines()
    assert len(plain) == 7 and all(len(line.replace("\\n", "n")) <= 30 for line in plain)
    again = ok("train", "play.txt", *flags[:-1], "q")
    written = [line for line in again.out.splitlines() if " writes: " in line]
    assert [line.split(" writes: ")[1] for line in written] == [
        samples[0]["text"].replace("\n", "⏎")[:120] for samples in early
    ]
    slow = ok("train", "play.txt", *flags[:-1], "s", "--engine", "scalar", "--json")
    assert [len(sample["text"]) <= 8 for sample in slow.of("samples")[-1]] == [True] * 3


def test_a_passage_is_marked_by_where_it_stands() -> None:
    config = tiny(long="window", holdout=0.1)
    data = one("".join(map(chr, itertools.chain(range(97, 123), range(65, 91)))))  # a-z, A-Z
    marks = marks_at(config, data, 1)
    kinds = {
        "cde": "trained",
        "TU": "trained",
        "VW": "file",
        "WXYZ": "file",
        "ca": "new",
        "": "new",
    }
    assert {text: marks.of(text) for text in kinds} == kinds
    assert marks_at(config, data, 0).of("cde") == "file"
    assert marks_at(tiny(), data, 1).of("abcdef") == "trained"  # cut: its first block
    assert marks_at(tiny(), data, 1).of("abcdefg") == "file"
    assert isinstance(marks.file, str) and Marks({"ab"}, {"ab", "b"}).of("a") == "new"


def test_a_trainer_marks_alike_and_new_leaves_out_what_stands_there() -> None:
    trainer = Trainer(tiny(long="window", batch_size=2), one())
    for event in trainer.events():
        for sample in event.get("samples", ()):
            marks = marks_at(trainer.config, one(), trainer.step)
            assert sample["mark"] == marks.of(str(sample["text"]))
    trainer.close()
    ok("train", "play.txt", "--split-by", "none", *SMALL, "--out", "r")
    short = ok("sample", "r", "-n", 60, "--length", 2, "--json").of("samples")[0]
    assert {sample["mark"] for sample in short} == {"trained", "new"}
    new = ok("sample", "r", "-n", 60, "--length", 2, "--new", "--json").of("samples")[0]
    assert {sample["mark"] for sample in new} == {"new"}
    assert all(sample["text"] not in PLAY for sample in new)


def test_the_report_shows_passages() -> None:
    ok("train", "play.txt", "--split-by", "none", *SMALL, "--holdout", 0.1, "--out", "r")
    ok("inspect", "r", "--html", "r.html")
    page = Path("r.html").read_text(encoding="utf-8")
    assert "3 passages that the model wrote." in page
    assert page.count("<li><span class=mark>") == 3
    assert "The model reads <b>" in page
    assert microgpt("doctor", "r").code == 0
    ok("export", "r", "m.json")
    assert len(ok("sample", "m.json", "--json").of("samples")[0]) == 20  # it names no data


def test_a_stop_while_the_end_is_measured_is_told_in_windows() -> None:
    heard: list[tuple[int, int]] = []
    words = random.Random(3).choices(PLAY.split(), k=4000)
    data = one(" ".join(words))
    trainer = Trainer(tiny(long="window", holdout=0.1), data)
    trainer.told = lambda done, of: heard.append((done, of))
    (event,) = [event["eval"] for event in trainer.events() if "eval" in event]
    windows = -(-event["tokens"] // 6)
    assert heard[0] == (0, windows) and heard[-1] == (windows, windows)
    trainer.close()
