"""The speedrun's parts: the t test, the unit, what an entry may say, and the record's arithmetic.

How fast anything is, is never tested.
"""

import json
import math
import random
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from microgpt.data import bundled, load_data
from microgpt.errors import FileError, InputError, NumbersError
from microgpt.speedrun import records
from microgpt.speedrun.attempt import Attempt, Lap, Stopwatch
from microgpt.speedrun.chance import beta_share, p_below, standard_error, t_tail
from microgpt.speedrun.records import Kept, against, circumstances, record_of, shipped
from microgpt.speedrun.tracks import FORBIDDEN, TRACKS, Entry, Track, entry_of, track_of
from microgpt.speedrun.yardstick import Clock, Yardstick, check_threads

ENTRIES = sorted(bundled("recipes/speedrun").glob("*.toml"))
DINOSAURS = load_data("dinosaurs")
TOY = Track("toy", "dinosaurs", DINOSAURS.sha256, 3.2, 1500, 5)
TINY = {"n_embd": 4, "n_head": 2, "block_size": 32, "steps": 3, "batch_size": 4}


def unheard(*_: Any) -> None:
    """Watches nothing."""


# ------------------------------------------------------------------ the t test


@pytest.mark.parametrize("x", [0.0, 1e-9, 0.1, 0.5, 0.9, 1 - 1e-9, 1.0])
def test_incomplete_beta_where_it_has_a_closed_form(x: float) -> None:
    assert beta_share(x, 1, 1) == pytest.approx(x, rel=1e-12)
    assert beta_share(x, 3.5, 1) == pytest.approx(x**3.5, rel=1e-12)
    assert beta_share(x, 1, 0.5) == pytest.approx(-math.expm1(0.5 * _log1m(x)), rel=1e-12)
    assert beta_share(x, 0.5, 0.5) == pytest.approx(2 / math.pi * math.asin(math.sqrt(x)), abs=1e-9)


def _log1m(x: float) -> float:
    return math.log1p(-x) if x < 1 else -math.inf


@pytest.mark.parametrize("t", [0.0, 0.01, 0.7, 1.0, 2.5, 31.8, 1e4])
def test_tail_of_student_t_for_few_degrees_of_freedom(t: float) -> None:
    """One degree is Cauchy's distribution; two, three and four have closed forms too."""
    angle = math.atan2(math.sqrt(3), t)
    assert t_tail(t, 1) == pytest.approx(math.atan2(1, t) / math.pi, rel=1e-10)
    root = math.hypot(t, math.sqrt(2))
    assert t_tail(t, 2) == pytest.approx(1 / (root * (root + t)), rel=1e-10)
    three = (angle - math.sin(angle) * math.cos(angle)) / math.pi
    assert t_tail(t, 3) == pytest.approx(three, rel=1e-7, abs=1e-16)
    s = t / math.hypot(t, 2)
    assert t_tail(t, 4) == pytest.approx((1 - s) ** 2 * (2 + s) / 4, rel=1e-7, abs=1e-16)
    assert t_tail(-t, 4) == pytest.approx(1 - t_tail(t, 4), abs=1e-15)


@pytest.mark.parametrize(
    ("freedom", "critical"),
    [(4, 3.7469473880), (9, 2.8214379250), (19, 2.5394831907), (99, 2.3646058614)],
)
def test_critical_values_at_one_percent(freedom: int, critical: float) -> None:
    assert t_tail(critical, freedom) == pytest.approx(0.01, rel=1e-8)


def test_many_degrees_of_freedom_are_nearly_normal() -> None:
    for t in (0.3, 1.5, 3.0):
        normal = 0.5 * math.erfc(t / math.sqrt(2))
        assert t_tail(t, 100_000) == pytest.approx(normal, rel=1e-3)


def test_p_of_losses() -> None:
    """By hand: mean 1.98, standard deviation sqrt(0.00025), t = 0.02 / sqrt(0.00025 / 5)."""
    losses = [1.96, 1.97, 1.98, 1.99, 2.00]
    assert standard_error(losses) == pytest.approx(math.sqrt(0.00025 / 5))
    assert p_below(losses, 2.0) == pytest.approx(t_tail(math.sqrt(8), 4))
    assert 0.02 < p_below(losses, 2.0) < 0.03
    assert p_below(losses, 1.96) == pytest.approx(1 - p_below(losses, 2.0))
    assert p_below([2.0, 2.0], 2.1) == 0.0 and p_below([2.0, 2.0], 2.0) == 1.0


def test_p_is_as_often_below_one_percent_as_it_says() -> None:
    rng = random.Random(0)
    draws = ([rng.gauss(2.0, 0.01) for _ in range(5)] for _ in range(20_000))
    found = sum(p_below(losses, 2.0) < 0.01 for losses in draws)
    assert 150 < found < 250  # 200 ± 14


# ------------------------------------------------------------------ the unit


def test_the_unit_is_the_median_product_of_all_threads() -> None:
    local, lock, count = threading.local(), threading.Lock(), iter(range(100))

    def ticks() -> float:
        """A clock of each thread: products take 1 second on one thread, 3 on the other."""
        if not hasattr(local, "each"):
            with lock:
                local.each, local.now = 1 + 2 * next(count), 0.0
        local.now += local.each / 2 if getattr(local, "on", False) else 0.0
        local.on = not getattr(local, "on", False)
        return float(local.now)

    yardstick = Yardstick(2, Clock("ticks", ticks, ticks))
    assert yardstick.read() == pytest.approx(1.0)  # (0.5 + 1.5) / 2
    assert yardstick.readings == [pytest.approx(1.0)]


def test_processor_time_where_it_is_fine_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    class Coarse:
        resolution = 0.0156

    monkeypatch.setattr("time.get_clock_info", lambda name: Coarse)
    assert Clock.here().name == "wall time"


def test_products_by_several_threads_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    check_threads()
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "4")
    with pytest.raises(InputError, match="OPENBLAS_NUM_THREADS is 4"):
        check_threads()


def test_a_stopwatch_that_stands_counts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("time.perf_counter", lambda: now[0])
    watch = Stopwatch(Clock("half", lambda: now[0] / 2, lambda: 0.0))
    for seconds, running in ((3, True), (10, False), (1, True)):
        if running:
            watch.start()
        now[0] += seconds
        assert watch.running() == (seconds if running else 0)
        watch.stop()
    assert (watch.seconds, watch.processor_seconds) == (4.0, 2.0)


# ------------------------------------------------------------------ entries


def entry(**settings: Any) -> Entry:
    Path("mine.toml").write_text("", encoding="utf-8")
    return entry_of(TOY, DINOSAURS, Path("mine.toml"), {**TINY, **settings}, False)


@pytest.mark.parametrize("path", ENTRIES, ids=lambda path: path.stem)
def test_our_entries_keep_the_rules(path: Path) -> None:
    from microgpt.cli.options import read_toml
    from microgpt.speedrun.tracks import OPTIONS

    track = TRACKS[path.stem]
    made = entry_of(track, track.load(), path, read_toml(path, OPTIONS), False)
    assert made.config.parameters() <= track.parameters


@pytest.mark.parametrize("key", FORBIDDEN)
def test_what_an_entry_may_not_say(empty_directory: Path, key: str) -> None:
    with pytest.raises(InputError, match=f"mine.toml: an entry can't set {key}: "):
        entry(**{key: 1})


def test_an_entry_that_is_too_large(empty_directory: Path) -> None:
    with pytest.raises(InputError, match=r"is a model of 15,\d+ parameters; .* allows 1,500\."):
        entry(n_embd=32)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"threads": 0}, "threads is 0"),
        ({"n_head": 3}, "mine.toml: n_embd 4 is not divisible by n_head 3"),
        ({"tokenizer": "tokenizer.json"}, "mine.toml: tokenizer is 'tokenizer.json'"),
        ({"vocab_size": 300}, "mine.toml: --vocab-size is 300"),
    ],
)
def test_an_entry_with_a_bad_value(
    empty_directory: Path, settings: dict[str, Any], said: str
) -> None:
    with pytest.raises(InputError) as caught:
        entry(**settings)
    assert said in str(caught.value)


def test_every_held_out_character_must_be_predicted(empty_directory: Path) -> None:
    with pytest.raises(InputError, match="block_size 8 is too small for the track toy"):
        Attempt(TOY, entry(block_size=8), DINOSAURS).facts()
    longest = max(map(len, DINOSAURS.docs)) + 1
    assert Attempt(TOY, entry(block_size=longest), DINOSAURS).facts()["dtype"] == "float32"
    assert Attempt(TOY, entry(block_size=8, long="window"), DINOSAURS).facts()["threads"] == 1


def test_another_text_is_refused() -> None:
    with pytest.raises(FileError, match="isn't the text of the track toy"):
        replace(TOY, sha256="0" * 64).load()
    for track in TRACKS.values():
        track.load()


def test_an_unknown_track() -> None:
    with pytest.raises(InputError, match="no track 'imagenet'"):
        track_of("imagenet")


# ------------------------------------------------------------------ one seed


def test_the_loss_is_per_character_whatever_the_tokens(empty_directory: Path) -> None:
    """Nats of all held-out tokens over characters and ends; with characters that is per token."""
    from microgpt.evaluation import measure

    for settings in ({}, {"tokenizer": "bpe", "vocab_size": 270, "n_embd": 2}):
        attempt = Attempt(TOY, entry(**settings), DINOSAURS)
        lap = attempt.lap(2, unheard, unheard)
        trainer = attempt._trainer(2)
        for _ in trainer._steps():
            pass
        table = trainer.judge.tables["distinct"]
        held = trainer.kept_out.holdout
        nats = measure(trainer.engine, table).loss * int((table.lengths - 1).sum())
        assert lap.loss == pytest.approx(nats / sum(len(doc) + 1 for doc in held), rel=1e-6)
        trainer.close()
        assert lap.bits_per_byte == pytest.approx(lap.loss / math.log(2))  # they are in ASCII
        assert lap.seed == 2 and lap.cost > 0 and len(lap.unit_seconds) == 2


def test_a_seed_that_diverges_is_named(empty_directory: Path) -> None:
    wild = entry(lr=1e6, steps=200, optimizer="sgd")
    with pytest.raises(NumbersError, match=r"^Seed 3: "):
        Attempt(TOY, wild, DINOSAURS).lap(3, unheard, unheard)


# ------------------------------------------------------------------ records


def lap_of(seed: int, loss: float = 3.1, cost: float = 100.0) -> Lap:
    return Lap(seed, loss + seed / 1000, 4.5, 2.0, cost / 1000, cost, [0.001, 0.001])


@pytest.fixture
def facts(empty_directory: Path) -> dict[str, Any]:
    return circumstances(Attempt(TOY, entry(), DINOSAURS), 5)


def test_a_record(facts: dict[str, Any]) -> None:
    laps = [lap_of(seed, cost=100 + seed) for seed in facts["seeds"]]
    found = record_of(facts, laps, "microgpt speedrun toy", [])
    assert json.loads(json.dumps(found)) == found
    assert found["losses"] == [lap.loss for lap in laps]
    assert found["mean"] == pytest.approx(3.103)
    assert found["p"] == p_below(found["losses"], 3.2) < 1e-6
    assert found["bits_per_byte"] == 4.5
    assert found["cost"] == 103 and found["unit"]["ms"] == pytest.approx(1.0)
    assert found["reached"] and found["record"] and not found["noisy"]
    assert found["entry"]["config"]["n_embd"] == 4 and "seed" not in found["entry"]["config"]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"loss": 3.3}, "p is not below 0.01"),
        ({"facts": {"judged_on": "validation"}}, "it was judged on validation"),
        ({"laps": 2}, "that takes 5 seeds or more"),
        ({"costs": [100, 100, 100, 100, 150]}, "its times are noisy"),
        ({"rival": ("theirs", "ff", 104.0)}, "100 units aren't 5% below the 104 of theirs"),
        ({"rival": ("mine", None, 104.0)}, "this entry holds it, at 104 units"),
    ],
)
def test_why_it_is_no_record(facts: dict[str, Any], change: dict[str, Any], why: str) -> None:
    costs = change.get("costs", [100.0] * 5)[: change.get("laps", 5)]
    laps = [lap_of(i, change.get("loss", 3.1), cost) for i, cost in enumerate(costs, 1)]
    rivals = []
    if "rival" in change:
        name, digest, cost = change["rival"]
        sha = digest or facts["entry"]["sha256"]
        rivals = [{"entry": {"name": name, "sha256": sha}, "cost": cost, "date": "2026-01-01"}]
    found = record_of({**facts, **change.get("facts", {})}, laps, "", rivals)
    assert not found["record"] and why in found["why_not"]
    if rivals:
        assert found["best_so_far"]["cost"] == 104.0


def test_the_cheapest_rival_counts(facts: dict[str, Any]) -> None:
    made = {"entry": {"name": "one", "sha256": "1"}, "date": "2026-01-01"}
    rivals = [{**made, "cost": cost} for cost in (500.0, 200.0, 300.0)]
    found = record_of(facts, [lap_of(i) for i in range(1, 6)], "", rivals)
    assert found["record"] and against(found, rivals)["best_so_far"]["cost"] == 200.0


def test_laps_are_kept_until_all_are_done(facts: dict[str, Any]) -> None:
    kept = Kept(facts)
    kept.read()
    assert kept.laps == [] and not kept.other
    kept.add(lap_of(1))
    kept.add(lap_of(2))
    again = Kept(facts)
    again.read()
    assert again.laps == [lap_of(1), lap_of(2)]
    elsewhere = Kept({**facts, "machine": "another"})
    elsewhere.read()
    assert elsewhere.laps == [] and elsewhere.other
    assert again.finish({"track": "toy"}, None).name == "toy-mine-1.json"
    assert not kept.path.exists()
    assert again.finish({"track": "toy"}, None).name == "toy-mine-2.json"


@pytest.mark.parametrize("content", ["", "{", "[]", '{"facts": {}}', '{"laps": [{"seed": 1}]}'])
def test_a_file_of_laps_that_is_damaged_is_begun_anew(facts: dict[str, Any], content: str) -> None:
    kept = Kept(facts)
    kept.path.parent.mkdir(parents=True)
    kept.path.write_text(content, encoding="utf-8")
    kept.read()
    assert kept.laps == [] and kept.other


@pytest.mark.parametrize("name", TRACKS)
def test_the_records_that_ship_are_what_they_say(name: str) -> None:
    """Their p follows from their losses, their entry is the one that ships, and it reached it."""
    from hashlib import sha256

    digests = {sha256(path.read_bytes()).hexdigest() for path in ENTRIES}
    for one in shipped(name):
        assert one["p"] == pytest.approx(p_below(one["losses"], one["target"]), rel=1e-9)
        assert one["reached"] and one["target"] == TRACKS[name].target
        assert one["seeds"] == [*range(1, len(one["losses"]) + 1)]
        assert one["entry"]["sha256"] in digests
        assert one["data_sha256"] == TRACKS[name].sha256
        ratios = [
            taken / cost
            for taken, cost in zip(one["processor_seconds_each"], one["costs"], strict=True)
        ]
        assert 1e3 * min(ratios) <= one["unit"]["most_ms"]
        assert 1e3 * max(ratios) >= one["unit"]["least_ms"]


def test_a_record_that_is_measured_again_is_no_rival(monkeypatch: pytest.MonkeyPatch) -> None:
    paths = sorted(bundled("recipes/speedrun/records").glob("*.json"))
    for path in paths:
        track = json.loads(path.read_text(encoding="utf-8"))["track"]
        assert len(shipped(track, but=path)) == len(shipped(track)) - 1
    monkeypatch.setattr(records, "bundled", _missing)
    assert shipped("names") == []


def _missing(name: str) -> Path:
    raise FileError(f"{name} isn't there.")


def test_the_page_shows_the_records() -> None:
    import speedruns

    said = "\n".join(speedruns.tables())
    for track in TRACKS.values():
        assert f"### {track.name}\n\nA {track.about()}.\n" in said
        for one in shipped(track.name):
            assert f"| {one['mean']:.4f} ± {2 * one['standard_error']:.4f} |" in said
            assert f"| {one['cost']:,.0f} ± {2 * one['cost_error']:,.0f} |" in said
    assert f"costs go from {min(_costs()):.0f} to {max(_costs()):.0f}:" in "".join(
        speedruns.levels()
    )


def _costs() -> list[float]:
    """Of the measured levels, as their table in bench/results has them."""
    path = Path(__file__).parent.parent / "bench" / "results" / "speedrun-levels.md"
    lines = path.read_text(encoding="utf-8").splitlines()
    cells = [line.split("|")[4] for line in lines if line.startswith("|")][2:]
    return [float(cell.split("±")[0]) for cell in cells]
