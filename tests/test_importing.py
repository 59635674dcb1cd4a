"""A run begun from a model: its vocabulary may grow, and it is there whole or not at all."""

import contextlib
import errno
import os
import shutil
import signal
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import engine_names
from checkpoint_runs import CALLS, count_calls
from cli_runner import ok, refused, tree, written
from microgpt.config import make_config
from microgpt.data import load_data
from microgpt.disk.checkpoint import RunDir
from microgpt.disk.modelfile import write_model
from microgpt.engines import engine_class
from microgpt.errors import FileError
from microgpt.growing import grow
from microgpt.importing import import_run
from microgpt.opening import open_model, resume_point
from microgpt.start import begin
from model_files import make

Call = Callable[[int, str], bool]
"""Which call, from 1, and its first argument."""

NEW = "dora\nb2\n"  # the model below knows a, d, o, r


@pytest.fixture
def model(empty_directory: Path) -> Path:
    """The test runs in a directory with m.json, which knows a, d, o and r, and new.txt."""
    write_model("m.json", make("ador", block_size=8))
    written("new.txt", NEW)
    return Path("m.json")


def begun(out: Path, steps: int = 5) -> RunDir:
    opened, _ = open_model(Path("m.json"))
    config = make_config(**{**opened.config.to_dict(), "steps": steps, "lr": 0.01})
    return import_run(out, opened, load_data(Path("new.txt")), config)[0]


def names(path: Path) -> list[str]:
    return sorted(p.name for p in path.iterdir())


# ---------------------------------------------------------------- new characters


def test_new_characters_are_named_and_learned(model: Path) -> None:
    result = ok("import", model, "new.txt", "--out", "r", "--steps", 5, "--seed", 3)
    assert result.err == (
        "note: 2 characters are new to m.json: 2 b. Their rows in wte and lm_head are drawn from "
        "the run's random stream.\n"
    )
    run = RunDir.open("r")
    assert run.vocab == {"type": "character", "uchars": list("2abdor"), "bos": 6}
    assert run.config.vocab_size == 7
    # What is drawn, and from where: after the shuffle and the first weights of any such run.
    old, made = open_model(model)[0], open_model(Path("r"))[0]
    start = begin(run.config, load_data(Path("new.txt")))
    wanted = grow(run.config, old.tokenizer, old.weights, "2b", start.rng)
    assert {n: w.tolist() for n, w in made.weights.items()} == {
        n: w.tolist() for n, w in wanted.weights.items()
    }
    assert made.stream is not None and made.stream.getstate() == start.rng.getstate()
    snapshot, _ = run.load()
    assert snapshot is not None and not any(m.any() for m in snapshot.optim.m.values())


@pytest.mark.parametrize("engine", engine_names.every())
def test_a_grown_run_trains_on_every_engine(model: Path, engine: str) -> None:
    begun(Path("r"))
    if (reason := engine_class(engine).supports(RunDir.open("r").config, "float64")) is not None:
        pytest.skip(f"{engine} {reason}")
    scalar = shutil.copytree("r", "s")
    losses = ok("train", "--resume", "r", "--engine", engine, "--json").losses
    assert len(losses) == 5
    other = ok("train", "--resume", scalar, "--engine", "scalar", "--json").losses
    assert losses == pytest.approx(other, abs=1e-9)
    ok("export", "r", "grown.json")
    assert open_model(Path("grown.json"))[0].tokenizer.uchars == list("2abdor")
    assert ok("sample", "r", "--prefix", "b2", "--json").of("samples")[0][0]["text"][:2] == "b2"


def test_data_without_new_characters_changes_no_row(model: Path) -> None:
    written("new.txt", "dora\n")
    assert ok("import", model, "new.txt", "--out", "r").err == ""
    made, old = open_model(Path("r"))[0], open_model(model)[0]
    assert made.config.vocab_size == 5
    assert all((made.weights[n] == w).all() for n, w in old.weights.items())


# ---------------------------------------------------------------- from a run


def test_a_run_goes_on_as_another_with_one_thing_changed(finished: Path) -> None:
    """Its data, its recipe, its weights; the optimiser and the stream begin anew."""
    ok("import", finished, "--out", "n", "--lr", 0.003)
    old, new = open_model(finished)[0], open_model(Path("n"))[0]
    assert new.config == make_config(**{**old.config.to_dict(), "lr": 0.003})
    assert new.run is not None and old.run is not None
    assert new.run.run["data"] == old.run.run["data"]
    assert new.run.run["imported"] == str(finished)
    assert all((new.weights[n] == w).all() for n, w in old.weights.items())
    snapshot, _ = new.run.load()
    assert snapshot is not None and (snapshot.step, snapshot.optim.step) == (0, 0)
    assert not any(m.any() for m in snapshot.optim.m.values())
    assert len(ok("train", "--resume", "n", "--json").losses) == 12


@pytest.mark.parametrize("flags", [["--lr", 0.003], ["--seed", 15], ["--no-validation"]])
def test_what_a_resume_refuses_names_the_import(finished: Path, flags: list[object]) -> None:
    said = refused(2, "train", "--resume", finished, *flags)
    command = said.partition("microgpt import ")[2].split()
    assert command == ["r", "--out", "NEW", *map(str, flags)]
    ok("import", *command)
    made, old = RunDir.open("NEW").config.to_dict(), RunDir.open(finished).config.to_dict()
    changed = {key: value for key, value in made.items() if value != old[key]}
    assert changed == ({str(flags[0])[2:]: flags[1]} if len(flags) > 1 else {})
    assert "microgpt import" not in refused(2, "train", "--resume", finished, "--n-embd", 8)


def test_what_is_said_outright_comes_before_the_runs_own(finished: Path) -> None:
    ok("import", finished, "--data", "dinosaurs", "--preset", "early", "--steps", 3, "--out", "n")
    run = RunDir.open("n")
    assert run.run["data"]["name"] == "dinosaurs"
    assert (run.config.schedule, run.config.steps, run.config.block_size) == ("cosine", 3, 8)


def test_the_command_that_repeats_an_import_says_all(finished: Path) -> None:
    ok("import", finished, "--data", "names", "--preset", "final", "--steps", 3, "--out", "n")
    shown = ok("inspect", "n").out
    (line,) = [line.split() for line in shown.splitlines() if "microgpt import" in line]
    assert line[:3] == ["microgpt", "import", "r"]
    again = ["m" if word == "DIRECTORY" else word for word in line[1:]]
    ok(*again)
    assert RunDir.open("m").run == RunDir.open("n").run
    assert open_model(Path("m"))[0].weights["wte"].tolist() == (
        open_model(Path("n"))[0].weights["wte"].tolist()
    )


def test_refused(finished: Path) -> None:
    said = refused(2, "import", finished, "--out", "x", "--split-by", "none")
    assert "--split-by is given without data" in said
    said = refused(2, "import", finished, "own.txt", "--data", "names", "--out", "x")
    assert "Both a file, own.txt, and --data names" in said
    said = refused(2, "import", finished, "--out", "x", "--n-layer", 2)
    assert "part of the model's shape, which comes from r" in said
    assert "microgpt train --n-layer 2" in said
    assert not Path("x").exists()


# ---------------------------------------------------------------- killed


def whole_or_none(out: Path) -> bool:
    """Whether there is a run in ``out``; if so it has the model's weights and goes on from them."""
    if not (out / "run.json").exists():
        return False
    with RunDir.open(out) as run:
        point, notices = resume_point(run)
        assert point is not None and notices == []
        known = open_model(Path("m.json"))[0].weights["wte"]
        assert point.weights["wte"][[1, 3, 4, 5, 6]].tolist() == known.tolist()
    return True


def can_be_repeated(out: Path) -> None:
    """Where the first import made no run, the second does, and sweeps what the first one left."""
    if whole_or_none(out):
        with pytest.raises(FileError, match="already holds a run"):
            begun(out)
    else:
        begun(out).close()
        assert names(out) == [".lock", "latest", "run.json", "step-00000000", "vocab.json"]
        assert whole_or_none(out)


def dying(monkeypatch: pytest.MonkeyPatch, act: Callable[[], Any], dead: Call) -> None:
    """Do something while every call into ``os`` fails from that on for which ``dead`` is true.

    Those that would tidy up fail too, so what is left is what a kill leaves.
    """
    done = 0
    gone = False

    def wrap(real: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            nonlocal done, gone
            done += 1
            gone = gone or dead(done, str(args[0]))
            if gone:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            return real(*args, **kwargs)

        return call

    with monkeypatch.context() as patch:
        for name in CALLS:
            patch.setattr(os, name, wrap(getattr(os, name)))
        act()


def prepare(before: str, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``out`` as it is before the import: not there, empty, or with a killed import's leftovers."""
    if before == "empty":
        out.mkdir()
    if before == "killed":
        moving = lambda _, what: what.endswith(f"{os.sep}latest")  # noqa: E731
        with pytest.raises(FileError):
            dying(monkeypatch, lambda: begun(out), moving)
        assert "step-00000000" in names(out) and "run.json" not in names(out)


@pytest.mark.usefixtures("no_fsync")
@pytest.mark.parametrize("before", ["nothing", "empty", "killed"])
def test_an_import_cut_off_at_any_call_can_be_repeated(
    model: Path, monkeypatch: pytest.MonkeyPatch, before: str
) -> None:
    prepare(before, Path("count"), monkeypatch)
    total = count_calls(monkeypatch, lambda: begun(Path("count")))
    assert total > 40
    made = 0
    for at in range(1, total + 1):
        out = Path(f"at{at}")
        prepare(before, out, monkeypatch)
        with contextlib.suppress(FileError):  # not where nothing is left to do but tidying up
            dying(monkeypatch, lambda: begun(out), lambda done, _: done >= at)  # noqa: B023
        made += whole_or_none(out)
        can_be_repeated(out)
        shutil.rmtree(out)
    assert 0 < made < total // 4  # only the last calls come after the run is there


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_an_import_killed_at_any_call_can_be_repeated(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    total = count_calls(monkeypatch, lambda: begun(Path("count")))
    for at in range(1, total + 1):
        out = Path(f"at{at}")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # threads of the linear algebra
            child = os.fork()
        if child == 0:
            try:
                kill = lambda: os.kill(os.getpid(), signal.SIGKILL)  # noqa: E731
                count_calls(monkeypatch, lambda: begun(out), at, then=kill)  # noqa: B023
            finally:
                os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        can_be_repeated(out)


def test_what_an_older_import_left_is_swept(model: Path) -> None:
    """It wrote run.json first: a run that says ``imported`` and has no weights."""
    begun(Path("r")).close()
    for name in ("latest", ".lock"):
        Path("r", name).unlink()
    shutil.rmtree("r/step-00000000")
    said = refused(3, "train", "--resume", "r")
    assert "The import of m.json into r was stopped before it was complete" in said
    assert "Repeat the import" in said
    assert "wrote r" in ok("import", model, "new.txt", "--out", "r", "--steps", 5).out
    assert whole_or_none(Path("r"))


@pytest.mark.parametrize("name", ["mine.txt", "step-00000000", "latest", "run.json", "r/x"])
def test_nothing_of_somebody_elses_is_swept(model: Path, name: str) -> None:
    path = Path("o", name)
    path.parent.mkdir(parents=True)
    path.write_text("{}")
    before = tree(Path("o"))
    said = refused(3, "import", model, "new.txt", "--out", "o")
    assert "is not empty: it holds" in said or "already holds a run" in said
    assert tree(Path("o")) == before
    Path("file").write_text("")
    assert "file is a file; a run needs a directory" in refused(3, "import", model, "--out", "file")


def test_what_a_killed_import_leaves_opens_whole(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare("killed", Path("runs/r"), monkeypatch)
    snapshot, _ = RunDir.open("runs/r").load()  # its first snapshot is whole, with all it needs
    assert snapshot is not None and snapshot.step == 0
    wanted = open_model(model)[0].weights["layer0.attn_wq"]
    assert snapshot.weights["layer0.attn_wq"].tolist() == wanted.tolist()
    assert "There is no run in runs/" in refused(3, "sample")
