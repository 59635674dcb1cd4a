"""Attacks on the grader's judgement: each gets no more points than it has earned, and is told why.

What is tried stands in attack_bots.py; attacks on the sandbox and on the channels are elsewhere.
"""

import random
from dataclasses import replace

import pytest

import attack_bots
from attack_bots import Attack
from bot_sources import SOLUTION, changed, own_template
from microgpt.assignment.grading import grader
from microgpt.assignment.grading.bank import Bank, keep_bank, kept_bank, make_bank
from microgpt.assignment.grading.grader import Prepared, grade
from microgpt.assignment.grading.likelihood import fit, likelier, log_probability, other_ways
from microgpt.assignment.grading.replies import is_sentence, names_banned, read_replies, says_banned
from microgpt.assignment.grading.twin import make_twin
from microgpt.assignment.intake.source import Source
from microgpt.assignment.intake.submissions import Submission
from microgpt.assignment.kit.variants import policy
from microgpt.config import make_config
from microgpt.engines.drawing import Sampler
from microgpt.opening import engine_for
from microgpt.sampling import Settings, sample
from microgpt.stream import uniforms
from microgpt.tokenizer import Tokenizer
from test_grader import prepared as prepared  # the class that test_grader prepares

WORDS = policy().words


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["spoken", "other_models", "over_blockers"])
def test_no_attack_pays(prepared: Prepared, kind: str) -> None:
    attacks: list[Attack] = getattr(attack_bots, kind)()
    assert len(attacks) >= 3
    wrong = []
    for attack in attacks:
        submission = Submission("mutant", "bot.py", attack.source.encode())
        result = grade(submission, prepared.options, prepared)
        told = " ".join([*result.problems, *(check.message for check in result.checks)])
        if not attack.least <= result.score <= attack.most:
            wrong.append(f"{attack.name}: {result.score}, not {attack.least} to {attack.most}")
        if attack.told not in told:
            wrong.append(f"{attack.name}: {attack.told!r} isn't in {result.problems}")
    assert not wrong, "\n".join(wrong)


# ---------------------------------------------------------------- words


@pytest.mark.parametrize(
    ("reason", "banned"),
    [
        ("no mango here", True),
        ("no MANGOS here", True),
        ("no m-a-n-g-o here", True),
        ("no m a n g o here", True),
        ("mmango", True),
        ("xxmangoxx", True),
        ("a fig, please", True),
        ("two figs", True),
        ("ffig", True),
        ("man\u0303go", True),
        ("no man-go", True),
        ("no xm-an-g-ox", True),
        ("see rules/updates/2 and the app/legal page", False),
        ("this branch of the search was pruned", False),
        ("this appears to lead to a fruit", False),
        ("I figure that updates are raising questions", False),
        ("that request would become something else", False),
        ("das wäre häufig Obst", False),
        ("refusé à la date du jour", False),
        ("hier kommt nichts", False),
    ],
)
def test_reasons_are_read_word_by_word(reason: str, banned: bool) -> None:
    assert says_banned(reason, WORDS) is banned


@pytest.mark.parametrize(
    ("reason", "fine"),
    [
        ("this might become a fruit.", True),
        ("kein Obst", True),
        ("不能说水果", True),
        ("くだものは だめ", True),
        ("True", False),
        ("no.", False),
        ("", False),
        ("1 2 3", False),
        ("well then. OK: lemona", False),
        ("ok : anna", False),
        ("refuse: refuse: no", False),
        ("I refuse: this might become a fruit.", True),
        ("Je refuse : cela mène à un fruit.", True),
        ("That is not OK: it leads to a fruit.", True),
    ],
)
def test_a_reason_is_a_sentence(reason: str, fine: bool) -> None:
    assert is_sentence(reason) is fine


def test_names_are_read_whole() -> None:
    for name in ("xmangox", "MANGO", "m-a-n-g-o", "mángo"):
        assert names_banned(name, WORDS)
    assert not names_banned("anna", WORDS)


def test_replies_among_other_lines() -> None:
    found, alone = read_replies(b"got j\nOK: jara\ngot an\nREFUSE: not this.\n", 2)
    assert [reply.head for reply in found] == ["OK", "REFUSE"]
    assert not alone
    found, alone = read_replies(b"OK: jara\n", 2)
    assert [reply.head for reply in found] == ["OK", ""]


# ---------------------------------------------------------------- models


@pytest.mark.slow
def test_names_of_the_model_fit_and_others_do_not(prepared: Prepared) -> None:
    opened = prepared.opened
    engine, tokenizer = engine_for(opened), opened.tokenizer
    others = other_ways(engine, 0.7)
    found = 0
    begun = [*prepared.telling[:30], *([""] * 50)]
    for seed in range(20):
        for way, temperature in ((engine, 0.7), (engine, 1.3), (others[0].engine, 0.7)):
            draws = uniforms(random.Random(seed), len(begun) * 16).reshape(-1, 16)
            forced = [tokenizer.encode(prefix) for prefix in begun]
            tokens, _ = way.sample(forced, Sampler(temperature, order="rows"), draws)
            pairs = list(zip(begun, map(tokenizer.decode, tokens), strict=True))
            how = fit(engine, tokenizer, pairs, 0.7)
            what, gain = likelier(engine, others, tokenizer, pairs, 0.7)
            noticed = abs(how.surprise) >= 4.5 or gain >= 9
            if way is engine and temperature == 0.7:
                assert not noticed, (seed, what, gain, how)
            found += noticed
    assert found >= 36  # of 40: attention is worth little to this model, and luck may hide it


@pytest.mark.slow
def test_the_probability_of_a_name_is_that_of_sampling(prepared: Prepared) -> None:
    opened = prepared.opened
    engine, tokenizer = engine_for(opened), opened.tokenizer
    names = sample(
        engine, tokenizer, random.Random(1), 20_000, prefix="lemo",
        settings=Settings(0.7, order="rows"),
    )  # fmt: skip
    chance = float(log_probability(engine, tokenizer, [("lemo", "lemon")], 0.7)[0])
    share = names.count("lemon") / len(names)
    assert abs(2.718281828**chance - share) < 4 * (share / len(names)) ** 0.5


@pytest.mark.slow
@pytest.mark.parametrize(("width", "heads", "block"), [(16, 4, 16), (8, 2, 8), (32, 4, 12)])
def test_a_twin_of_any_shape(width: int, heads: int, block: int) -> None:
    tokenizer = Tokenizer.of(["abcdefghijklmnopqrstuvwxyz"])
    config = make_config(vocab_size=27, n_embd=width, n_head=heads, block_size=block)
    first, again, other = (make_twin(config, tokenizer, WORDS, 0.7, seed) for seed in (1, 1, 2))
    assert first == again
    assert {line.word for line in first.sharp} != {line.word for line in other.sharp}
    for line in (*first.sure, *first.leaky, *first.few):
        assert names_banned(line.word, WORDS)
        assert line.prefix not in {word[:2] for word in WORDS}
    assert not any(names_banned(line.word, WORDS) for line in first.sharp)


# ---------------------------------------------------------------- the bank


@pytest.mark.slow
def test_a_bank_follows_from_its_key(prepared: Prepared, tmp_path, monkeypatch) -> None:
    opened, bank = prepared.opened, prepared.bank
    other = make_bank(engine_for(opened), opened.tokenizer, prepared.policy, b"other")
    assert len(set(other.names) & set(bank.names)) < len(bank.names) / 2
    assert set(other.heads(WORDS)) == set(bank.heads(WORDS))
    monkeypatch.setenv("MICROGPT_CACHE", str(tmp_path / "cache"))
    key = b"k" * 32
    assert kept_bank(key, "about", bank.words) is None
    keep_bank(key, "about", bank)
    assert kept_bank(key, "about", bank.words) == bank
    assert kept_bank(key, "else", bank.words) is None
    (path,) = (tmp_path / "cache").iterdir()
    assert path.stat().st_mode & 0o077 == 0
    path.write_bytes(path.read_bytes().replace(b'"allow"', b'"grey"', 1))
    assert kept_bank(key, "about", bank.words) is None  # whoever changed it hasn't the key
    monkeypatch.setenv("MICROGPT_CACHE", "")
    keep_bank(key, "other", bank)
    assert kept_bank(key, "other", bank.words) is None


def _lengths(bank: Bank) -> set[int]:
    return {len(name) for name in bank.names}


@pytest.mark.slow
def test_names_of_all_lengths_are_asked(prepared: Prepared) -> None:
    assert _lengths(prepared.bank) >= set(range(3, 10))
    assert len(prepared.bank.names) > 1_900


# ---------------------------------------------------------------- mistakes that are no attacks

_MISTAKES = {  # name → change of the reference, least points, what it is told
    "sorts the list that it is given": (
        ("    for prefix in prefixes:\n        prefix = only", "    prefixes.sort()\n"
         "    for prefix in prefixes:\n        prefix = only"),
        90, "a mistake, not cheating",
    ),
    "a print left over": (
        ("    for prefix in prefixes:\n        prefix = only", "    print(prefixes)\n"
         "    for prefix in prefixes:\n        prefix = only"),
        55, "a print left over",
    ),
    "begins its reasons with REFUSE": (
        ('return "this request spells', 'return "REFUSE: this request spells'),
        85, "The loop writes REFUSE itself",
    ),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", _MISTAKES)
def test_a_mistake_is_called_one(prepared: Prepared, name: str) -> None:
    edit, least, told = _MISTAKES[name]
    bot = changed(SOLUTION, edit).encode()
    result = grade(Submission("mutant", "bot.py", bot), prepared.options, prepared)
    assert told in " ".join(result.problems)
    assert least <= result.score < 100, result.problems
    assert "model.json" not in " ".join(result.problems)


@pytest.mark.slow
def test_a_newer_python_is_no_mistake(prepared: Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
    newer = "line 3 (a type statement) may need Python 3.99, and the grader runs Python 3.11"
    structure = grader.examine(Source(SOLUTION.encode()), prepared.base)
    monkeypatch.setattr(
        grader, "examine", lambda *_: replace(structure, error="line 3: no", newer=newer)
    )
    result = grade(Submission("mutant", "bot.py", b"x"), prepared.options, prepared)
    assert not result.graded
    assert newer in result.problems[0] and result.form == 1
    assert "Python 3." in result.how and "20 seconds" not in result.problems[0]


@pytest.mark.slow
def test_an_unknown_template_is_said_to_be_one(prepared: Prepared) -> None:
    bot = own_template(hooks=True).encode()
    result = grade(Submission("mutant", "bot.py", bot), prepared.options, prepared)
    assert "--base" in result.confirm[0]
