"""`microgpt speedrun` as a user meets it, on a track that takes a second."""

import json
from pathlib import Path
from typing import Any

import pytest

from cli_runner import microgpt, ok, refused, written
from microgpt.data import load_data
from microgpt.speedrun.attempt import Attempt, Lap
from microgpt.speedrun.tracks import TRACKS, Track

TINY = "n_embd = 4\nn_head = 2\nblock_size = 32\nsteps = 20\nbatch_size = 8\nlr = 0.05\n"


@pytest.fixture(autouse=True)
def toy(monkeypatch: pytest.MonkeyPatch, empty_directory: Path) -> None:
    """A small track and an entry for it."""
    digest = load_data("dinosaurs").sha256
    monkeypatch.setitem(TRACKS, "toy", Track("toy", "dinosaurs", digest, 3.3, 1500, 5))
    written("mine.toml", TINY)


def test_a_run_and_its_record() -> None:
    shown = ok("speedrun", "toy", "mine.toml").out.splitlines()
    assert shown[0] == (
        "track    toy: held-out loss of 3.30 nats a character with at most 1,500 parameters"
    )
    assert "mine.toml" in shown[1] and "20 steps of 8 documents" in shown[1]
    seeds = [line for line in shown if line.startswith("seed ")]
    assert [line.split()[1] for line in seeds] == ["1", "2", "3", "4", "5"]
    assert shown[-1] == f"saved    {Path('runs', 'speedrun', 'toy-mine-1.json')}"
    record = json.loads(Path("runs/speedrun/toy-mine-1.json").read_text(encoding="utf-8"))
    assert record["seeds"] == [1, 2, 3, 4, 5] and record["mean"] < 3.3
    assert record["reached"] and record["command"] == "microgpt speedrun toy mine.toml"
    assert str(Path.cwd()) not in json.dumps(record)
    assert f"{record['losses'][0]:.4f}" in seeds[0]
    assert len(list(Path("runs/speedrun").iterdir())) == 1  # nothing unfinished is left
    again = ok("speedrun", "toy", "mine.toml", "--json", "--out", "mine.json").lines
    assert [line["speedrun"]["losses"] for line in again] == [record["losses"]]
    assert json.loads(Path("mine.json").read_text(encoding="utf-8")) == again[0]["speedrun"]


def test_quick_and_validation_are_no_records() -> None:
    (quick,) = ok("speedrun", "toy", "mine.toml", "--quick", "--json").of("speedrun")
    assert quick["seeds"] == [1, 2] and not quick["record"] and not quick["reached"]
    assert "that takes 5 seeds or more" in quick["why_not"]
    out = ok("speedrun", "toy", "mine.toml", "--quick", "--validation").out
    assert "mean validation loss" in out and "record   no: it was judged on validation" in out


def test_the_tracks_are_listed() -> None:
    out = ok("speedrun").out
    for track in TRACKS.values():
        assert f"{track.name:<12} {track.about()}" in out
    (line,) = ok("speedrun", "--json").of("speedrun")
    assert set(line) == set(TRACKS)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["nowhere"], 2, "There is no track 'nowhere'."),
        (["toy", "gone.toml"], 3, "gone.toml can't be read"),
        (["toy", "mine.toml", "--seeds", "4"], 2, "seeds is 4, must be from 5 to 1000."),
        (["toy", "mine.toml", "--seeds", "9", "--quick"], 2, "--quick and --seeds are both given"),
        (["toy", "mine.toml", "--out", "no/where.json"], 3, "needs the directory no"),
        (["toy", "mine.toml", "--out", "."], 3, "is a directory"),
    ],
)
def test_what_is_refused(arguments: list[str], code: int, said: str) -> None:
    assert said in refused(code, "speedrun", *arguments)
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("seed = 7", "mine.toml: an entry can't set seed"),
        ("holdout = 0.2", "mine.toml: an entry can't set holdout"),
        ('data = "words"', "mine.toml: an entry can't set data"),
        ('file = "words.txt"', "mine.toml: an entry can't set file"),
        ("patience = 3", "mine.toml: an entry can't set patience"),
        ("compile = true", "mine.toml: an entry can't set compile"),
        ("colour = 1", "'colour' is not a setting"),
        ("mlp_width = 999", "parameters; the track toy allows 1,500."),
    ],
)
def test_what_an_entry_may_not_hold(line: str, said: str) -> None:
    written("mine.toml", f"{TINY}{line}\n")
    assert said in refused(2, "speedrun", "toy", "mine.toml")


def test_ctrl_c_keeps_the_seeds_that_are_done(monkeypatch: pytest.MonkeyPatch) -> None:
    real, trained = Attempt.lap, []

    def lap(self: Attempt, seed: int, *more: Any) -> Lap:
        if seed == 3 and 3 not in trained:
            trained.append(seed)
            raise KeyboardInterrupt
        trained.append(seed)
        return real(self, seed, *more)

    monkeypatch.setattr(Attempt, "lap", lap)
    stopped = microgpt("speedrun", "toy", "mine.toml")
    assert stopped.code == 130
    assert "Stopped: 2 of 5 seeds are done, kept in " in stopped.err
    assert "Go on with: microgpt speedrun toy mine.toml" in stopped.err
    assert microgpt("speedrun", "toy", "mine.toml", "--quick").code == 0  # leaves it alone
    del trained[3:]
    out = ok("speedrun", "toy", "mine.toml").out
    assert out.count("(kept from before)") == 2
    assert trained[3:] == [3, 4, 5]
    assert sorted(path.name for path in Path("runs/speedrun").iterdir()) == [
        "toy-mine-1.json",
        "toy-mine-2.json",
    ]


def test_an_entry_that_has_changed_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    def lap(self: Attempt, seed: int, *_: Any) -> Lap:
        if seed == 2:
            raise KeyboardInterrupt
        return Lap(seed, 3.0, 4.3, 1.0, 1.0, 1.0, [1.0, 1.0])

    monkeypatch.setattr(Attempt, "lap", lap)
    assert microgpt("speedrun", "toy", "mine.toml").code == 130
    written("mine.toml", f"{TINY}beta1 = 0.9\n")
    said = microgpt("speedrun", "toy", "mine.toml")
    assert "kept from before" not in said.out and said.code == 130
    assert len(list(Path("runs/speedrun").iterdir())) == 2
