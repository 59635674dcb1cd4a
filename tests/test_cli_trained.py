"""What is done with a trained model: `sample`, `eval`, `inspect`, `export` and `import`."""

import ast
import json
import re
from pathlib import Path

import pytest

from cli_runner import DINO, SMALL, Result, microgpt, ok, refused, written
from microgpt.cli import visible
from microgpt.data import bundled
from microgpt.opening import open_model
from published import SAMPLES

MODEL = bundled("data/model.json")
pytestmark = pytest.mark.usefixtures("empty_directory")


# ---------------------------------------------------------------- sample


def test_sample_goes_on_with_the_runs_stream(reference_run: tuple[Path, Result]) -> None:
    path, result = reference_run
    again = ok("sample", path, "--json")
    assert again.of("samples") == result.of("samples")
    assert ok("sample", path, "--json").out == again.out  # it doesn't move on
    shown = ok("sample", path).out
    assert re.search(r"^sample  1: kamon +~ file$", shown, re.M)
    assert re.search(r"^sample 20: anton +~ file$", shown, re.M)
    assert "0 trained" in shown and "11 file" in shown and "9 new" in shown


def texts(path: Path, *arguments: object) -> list[str]:
    return [s["text"] for s in ok("sample", path, "--json", *arguments).of("samples")[0]]


def test_sample_flags(reference_run: tuple[Path, Result]) -> None:
    path, _ = reference_run
    assert len(texts(path, "--count", 3)) == len(texts(path, "-n", 3)) == 3
    assert texts(path, "--seed", 1) == texts(path, "--seed", 1) != texts(path, "--seed", 2)
    assert all(text.startswith("mar") for text in texts(path, "--prefix", "mar"))
    assert len(set(texts(path, "--greedy"))) == 1
    assert texts(path, "--top-k", 1) == texts(path, "--greedy")
    assert len(set(texts(path, "--temperature", 0.001))) == 1
    assert len(set(texts(path, "--temperature", 100, "--count", 50))) > 45
    assert len(set(texts(path, "--top-p", 0.05))) < 5
    assert max(map(len, texts(path, "--length", 3))) == 3
    assert texts(path, "--order", "rows") != texts(path)
    assert texts(path, "--order", "rows", "-n", 3) == texts(path, "--order", "rows")[:3]
    assert texts(path, "--engine", "scalar", "-n", 4) == SAMPLES[:4]
    assert texts(path, "--prefix", "éma", "--unknown", "skip", "-n", 1)[0].startswith("ma")
    assert max(map(len, texts(path, "--temperature", 3, "--length", 60, "-n", 200))) > 16


def test_new_leaves_out_what_is_in_the_file(reference_run: tuple[Path, Result]) -> None:
    path, _ = reference_run
    made = ok("sample", path, "--new", "--json", "--count", 30).of("samples")[0]
    assert len(made) == 30
    assert {sample["mark"] for sample in made} == {"new"}
    names = set(bundled("data/names.txt").read_text().split())
    assert not names & {sample["text"] for sample in made}


def test_new_says_when_there_are_too_few(tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_text("ada\n" * 5)
    ok("train", "one.txt", "--n-embd", 8, "--steps", 200, "--out", "r")
    result = ok("sample", "r", "--new", "-n", 2, "--temperature", 0.05)
    assert "note: only 0 of 400 samples are not in the data" in result.err


def test_the_newest_run_is_the_default() -> None:
    ok("train", "--data", "words", *SMALL)
    ok("train", "--data", "dinosaurs", *SMALL)
    result = ok("sample", "--json")
    assert f"using the newest run, {Path('runs/dinosaurs-1')}" in result.err
    assert result.out == ok("sample", Path("runs/dinosaurs-1"), "--json").out


def test_unique_samples() -> None:
    texts = [
        s["text"] for s in ok("sample", MODEL, "--unique", "-n", 300, "--json").of("samples")[0]
    ]
    assert len(texts) == len(set(texts)) == 300
    result = ok("sample", MODEL, "--unique", "-n", 2, "--greedy")
    assert "note: only 1 of 400 samples are distinct" in result.err
    assert "--unique" in refused(2, "sample", MODEL, "--unique", "-n", 1_000_001)


def test_plain_samples(own_list: Path) -> None:
    result = ok("sample", MODEL, "--plain", "-n", 30)
    marked = ok("sample", MODEL, "-n", 30, "--json").of("samples")[0]
    assert result.out.splitlines() == [sample["text"] for sample in marked]
    both = microgpt("sample", MODEL, "--plain", "--json")
    assert both.code == 2 and "--plain" in both.out
    text = "a\\b\n\tc\u200d\n"
    written("poem.txt", text * 9)
    ok("train", "poem.txt", "--split-by", "none", "--long", "window", *SMALL, "--out", "p")
    lines = ok("sample", "p", "--plain", "--length", 40, "-n", 50, "--temperature", 9).out
    assert lines.count("\n") == 50 and "\t" not in lines
    whole = ok("sample", "p", "--length", 40, "-n", 50, "--temperature", 9, "--json")
    assert [ast.literal_eval(f"'{line}'") for line in lines.split("\n")[:-1]] == [
        sample["text"] for sample in whole.of("samples")[0]
    ]


def test_many_samples_come_in_several_lines() -> None:
    lines = ok("sample", MODEL, "-n", 2100, "--json").of("samples")
    assert [len(line) for line in lines] == [1000, 1000, 100]
    (first,) = ok("sample", MODEL, "-n", 1000, "--json").of("samples")
    assert lines[0] == first
    shown = ok("sample", MODEL, "-n", 2100).out.splitlines()
    assert len(shown) == 2100 and shown[-1].startswith("sample 2100: ")
    assert [line.split(": ")[1].strip() for line in shown] == [
        visible(sample["text"]) for line in lines for sample in line
    ]


def test_samples_of_a_run_whose_data_is_gone_are_not_marked(tmp_path: Path) -> None:
    (tmp_path / "own.txt").write_text("ada\neva\n")
    ok("train", "own.txt", *SMALL, "--out", "r")
    Path("own.txt").unlink()
    result = ok("sample", "r", "--json")
    assert {sample["mark"] for sample in result.of("samples")[0]} == {None}
    assert "note: samples are not marked" in result.err
    assert "~" not in ok("sample", "r").out
    assert "can't be read" in refused(3, "eval", "r")


# ---------------------------------------------------------------- eval


def test_eval_repeats_the_held_out_loss(reference_run: tuple[Path, Result]) -> None:
    path, result = reference_run
    assert ok("eval", path, "--json").of("eval") == result.of("eval")
    shown = ok("eval", path).out
    assert shown == (
        "2.3672 nats per token, 3.4152 bits per byte\n"
        "  on unused: 31,033 documents, 220,976 tokens\n"
    )
    scalar = ok("train", *DINO, "--out", "d", "--json").of("eval")[0]
    again = ok("eval", "d", "--engine", "scalar", "--json").of("eval")[0]
    assert again["loss"] == pytest.approx(scalar["loss"], abs=1e-9)


def test_unused_means_the_planned_steps_also_before_their_end() -> None:
    ok("train", *DINO, "--stop-after", 2, "--out", "r")
    early = ok("eval", "r", "--json").of("eval")[0]
    ok("train", "--resume", "r")
    late = ok("eval", "r", "--json").of("eval")[0]
    assert early["tokens"] == late["tokens"] and (early["step"], late["step"]) == (2, 12)


def test_eval_of_a_file(reference_run: tuple[Path, Result], tmp_path: Path) -> None:
    path, _ = reference_run
    (tmp_path / "some.txt").write_text("emma\nolivia\n")
    event = ok("eval", path, "some.txt", "--json").of("eval")[0]
    assert (event["split"], event["tokens"], event["step"]) == ("file", 12, 1000)
    assert 1.5 < event["loss"] < 3.5
    ok("export", path, "m.json")
    same = ok("eval", "m.json", "some.txt", "--json").of("eval")[0]
    assert same == {**event, "step": None}
    (tmp_path / "more.txt").write_text("emma!\nolivia\n")
    assert "'!' at position 4 of 'emma!'" in refused(2, "eval", path, "more.txt")
    skipped = ok("eval", path, "more.txt", "--unknown", "skip", "--json").of("eval")[0]
    assert skipped == event
    whole = ok("eval", path, "some.txt", "--split-by", "none", "--unknown", "skip", "--json")
    assert whole.of("eval")[0]["tokens"] == 11  # emmaolivia and its end


# ---------------------------------------------------------------- inspect


def test_inspect_as_text(
    reference_run: tuple[Path, Result], plain_run: tuple[Path, Result]
) -> None:
    report = pytest.importorskip("microgpt.inspection.page")
    for path in (reference_run[0], plain_run[0]):
        shown = ok("inspect", path)
        opened, _ = open_model(path)
        assert shown.out.splitlines() == list(report.text_report(opened))
        for name, shape in opened.config.shapes().items():
            line = next(line for line in shown.out.splitlines() if re.search(rf"\b{name}\b", line))
            assert all(str(size) in line for size in shape), line
        assert f"{opened.config.parameters():,}" in shown.out
    ok("export", reference_run[0], "m.json")
    assert "4,192" in ok("inspect", "m.json").out


def test_inspect_as_a_page(reference_run: tuple[Path, Result]) -> None:
    pytest.importorskip("microgpt.inspection.page")
    path, _ = reference_run
    result = ok("inspect", path, "--html", "page.html", "--word", "emma")
    assert "page.html" in result.out
    page = Path("page.html").read_text(encoding="utf-8")
    assert page.lower().startswith("<!doctype html>")
    assert not re.search(r"(?:src|href)\s*=\s*[\"']?(?:https?:)?//", page)  # self-contained
    assert "emma" in page and "kamon" in page and "layer0.attn_wq" in page


# ---------------------------------------------------------------- export, import


@pytest.mark.parametrize("name", ["m.json", "m.safetensors"])
def test_export_and_import(reference_run: tuple[Path, Result], name: str) -> None:
    path, _ = reference_run
    exported = ok("export", path, name)
    assert "4,192 parameters" in exported.out
    original, copy = open_model(path)[0], open_model(Path(name))[0]
    for key, matrix in original.weights.items():
        assert (copy.weights[key] == matrix).all()
    # A file has no stream: like --seed 42.
    assert texts(Path(name)) == texts(path, "--seed", 42)
    assert {s["mark"] for s in ok("sample", name, "--json").of("samples")[0]} == {None}
    assert "already exists" in refused(3, "export", path, name)
    ok("export", path, name, "--force")

    result = ok("import", name, "--out", "on", "--steps", 30, "--lr", 0.001)
    assert f"--resume {Path('on')}" in result.out
    assert (open_model(Path("on"))[0].weights["wte"] == original.weights["wte"]).all()
    trained = ok("train", "--resume", "on", "--json")
    assert len(trained.losses) == 30
    assert sum(trained.losses) / 30 < 2.7  # it doesn't start over from 3.3
    assert len(trained.of("samples")[0]) == 20


def test_an_imported_run_trains_on_other_data_it_knows(
    reference_run: tuple[Path, Result], tmp_path: Path
) -> None:
    ok("export", reference_run[0], "m.json")
    ok("import", "m.json", "--data", "dinosaurs", "--out", "d", "--steps", 3)
    ok("train", "--resume", "d")
    (tmp_path / "own.txt").write_text("ada\neva\n")
    ok("import", "m.json", "own.txt", "--out", "o", "--steps", 3)
    ok("train", "--resume", "o")
    assert open_model(Path("o"))[0].config.vocab_size == 27
    said = refused(2, "import", "m.json", "--out", "x", "--n-embd", 32)
    assert "--n-embd is part of the model's shape" in said
    assert said.endswith("microgpt train --n-embd 32") and not Path("x").exists()


def test_the_exported_model_json_is_what_a_class_reads(reference_run: tuple[Path, Result]) -> None:
    ok("export", reference_run[0], "m.json")
    model = json.loads(Path("m.json").read_text())
    assert list(model) == ["format", "config", "tokenizer", "state_dict", "digest"]
    assert model["config"]["BOS"] == 26 and "activation" not in model["config"]
    ok("train", "--preset", "early", "--stop-after", 0, "--out", "e")
    assert "can't run this file" in ok("export", "e", "e.json").err
