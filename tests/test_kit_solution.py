"""The teacher's solution, its answer key, and the leaky twin of the model."""

import random
import re
import runpy
from types import ModuleType

import pytest

from kit_programs import ROOT, program
from microgpt.assignment.kit import answers
from microgpt.assignment.kit.variants import policy
from microgpt.data import load_data
from microgpt.guard.leak import ALLOW
from microgpt.opening import engine_for, open_model
from microgpt.sampling import Settings, sample

NAMES = load_data("names").docs


@pytest.fixture(scope="module")
def solution() -> ModuleType:
    return program(ROOT / "data/teacher/solution.py")


# ---------------------------------------------------------------- the reference solution


def test_solution_differs_above_the_line_only() -> None:
    cut = "#  DON'T EDIT BELOW"
    texts = [(ROOT / "data" / p).read_text() for p in ("kit/bot.py", "teacher/solution.py")]
    assert texts[0].split(cut)[1] == texts[1].split(cut)[1]


def test_solution_costs_what_it_says(solution: ModuleType) -> None:
    text = (ROOT / "data/teacher/solution.py").read_text()
    page = (ROOT / "data/teacher/README.md").read_text()
    words = policy().words
    assert tuple(solution.BLOCKED_OUTPUT_PATTERNS) == words
    bearing = [name for name in NAMES if any(word in name for word in words)]
    assert [name for name in NAMES if not solution.is_safe_name(name)] == bearing

    def stopped(prefix: str) -> bool:
        return solution.is_safe_request([prefix]) is not None

    full = sum(map(stopped, NAMES))
    some = sum(any(stopped(name[:n]) for n in range(1, len(name) + 1)) for name in NAMES)
    for number, after in ((len(bearing), f"of the {len(NAMES):,}"), (full, "names"), (some, "wh")):
        assert re.search(rf"\b{number} {after}", re.sub(r"\s+#?\s*", " ", text)), number
    assert f"{some} of the 32,033 names" in page and f"{full} in full" in page


def test_solution_stops_fruits_in_any_dress(solution: ModuleType) -> None:
    for word in policy().words:
        for text in (word, f"{word}s", f"xa{word}", word.upper(), "-".join(word), f"jo{word}na"):
            assert solution.is_safe_request([text]) is not None
            assert solution.is_safe_request(["ka", text, "jo"]) is not None
            assert solution.is_safe_name(text) is False


def rows() -> dict[str, tuple[float, str, int]]:
    """The answer key on the teacher's page: beginning → percent, verdict, names."""
    page = (ROOT / "data/teacher/README.md").read_text()
    assert page.count(answers.HEADER) == 1
    found = re.findall(r"\| `([a-z]+)` \| ([0-9.]+) % \| (\w+) \| (\d+) \|", page)
    return {head: (float(leak), verdict, int(names)) for head, leak, verdict, names in found}


def test_solution_follows_the_answer_key(solution: ModuleType) -> None:
    key = rows()
    assert sum(verdict == "refuse" for _, verdict, _ in key.values()) >= 15
    for head, (_, verdict, _) in key.items():
        if verdict == "refuse":
            assert solution.is_safe_request([head])
            if head not in solution.BLOCKED_WHOLE_PREFIXES:
                assert solution.is_safe_request([f"so{head}"])
    for alone in solution.BLOCKED_WHOLE_PREFIXES:
        assert key[alone][1] == "refuse" and solution.is_safe_request([f"so{alone}"]) is None
    for head in ("mel", "app", "li", "cher", "oran", "apri", "oli"):
        assert solution.is_safe_request([head]) is None
    allows_what_ends_in_no_beginning(solution, 10)


@pytest.mark.slow
def test_solution_allows_what_ends_in_no_beginning(solution: ModuleType) -> None:
    allows_what_ends_in_no_beginning(solution, 1)


def allows_what_ends_in_no_beginning(solution: ModuleType, nth: int) -> None:
    """Asks every ``nth`` beginning of a name."""
    heads = tuple(answers.heads())
    for name in sorted({name[:n] for name in NAMES for n in range(1, 5)})[::nth]:
        if not name.endswith(heads):
            holds = any(word in name for word in policy().words)
            assert (solution.is_safe_request([name]) is None) != holds


def test_answer_key_is_true_where_it_is_quick() -> None:
    key = rows()
    for answer in answers.answers(["lemo", "lim", "persimmo", "cherr"]):
        leak, verdict, names = key[answer.head]
        assert abs(100 * answer.leak - leak) < 0.15
        assert (answer.verdict, answer.names) == (verdict, names)
    for answer in answers.answers(["cher", "oran", "apri"]):
        assert answer.leak < 0.001 and answer.head not in key


def differing(heads: list[str]) -> list[str]:
    """The prefixes of which the key says something else than what is measured now."""
    key, wrong = rows(), []
    for one in answers.answers(heads):
        leak, *others = key.get(one.head, (0.0,))
        same = abs(100 * one.leak - leak) < 0.15 and others == [one.verdict, one.names]
        if (one.leak > ALLOW) != bool(others) or (others and not same):
            wrong.append(one.head)
    return wrong


@pytest.mark.slow
def test_answer_key_is_true(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each prefix is measured roughly; those that seem to differ, and some others, exactly."""
    heads = answers.heads()
    assert set(rows()) <= set(heads)
    assert [leak for leak, *_ in rows().values()] == sorted(
        (leak for leak, *_ in rows().values()), reverse=True
    )
    with monkeypatch.context() as roughly:
        roughly.setattr(answers, "_SAMPLES", 2000)
        doubtful = differing(heads)
    assert differing([*doubtful[:40], *heads[::25]]) == []
    assert len(doubtful) <= 40, doubtful


@pytest.mark.slow
def test_table_is_as_it_stands_on_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    some = ["cher", *[*rows()][::20]]  # the first leads to no fruit
    monkeypatch.setattr(answers, "heads", lambda _: sorted(some))
    found = re.findall(r"\| `([a-z]+)` \| ([0-9.]+) % \| (\w+) \| (\d+) \|", answers.table())
    assert [row[0] for row in found] == some[1:]


@pytest.mark.prove
def test_answer_key_is_true_throughout() -> None:
    key, computed = rows(), answers.table()
    found = re.findall(r"\| `([a-z]+)` \| ([0-9.]+) % \| (\w+) \| (\d+) \|", computed)
    assert [row[0] for row in found] == list(key)
    for head, leak, verdict, names in found:
        assert abs(float(leak) - key[head][0]) < 0.15
        assert (verdict, int(names)) == key[head][1:]


@pytest.mark.slow
def test_solution_agrees_with_the_rule(solution: ModuleType) -> None:
    agrees_with_the_rule(solution, "o")


@pytest.mark.prove
def test_solution_agrees_with_the_rule_after_more_letters(solution: ModuleType) -> None:
    agrees_with_the_rule(solution, "abemos")


def agrees_with_the_rule(solution: ModuleType, letters: str) -> None:
    """Beginnings of fruits after one letter: all that must be refused are."""
    key = rows()
    heads = [h for h in answers.heads() if len(h) >= 3 and key.get(h, (0.0,))[0] >= 2]
    overlaps = [letter + head for letter in letters for head in heads]
    asked = [*overlaps, "fmel", "jmel", "xmel", "marimang", "salim"]
    passed = [prefix for prefix in asked if solution.is_safe_request([prefix]) is None]
    assert 0 < len(passed) < len(asked)
    for answer in answers.answers(passed):
        assert answer.verdict != "refuse", answer


def test_the_price_on_the_page() -> None:
    page = " ".join((ROOT / "data/teacher/README.md").read_text().split())
    shares = []
    for n in range(1, 5):
        begun = tuple({word[:n] for word in policy().words})
        shares.append(f"{100 * sum(name.startswith(begun) for name in NAMES) / len(NAMES):.1f} %")
    one, two, three, four = shares
    assert f"by one letter refuses {one} of all names, by two letters {two}" in page
    assert f"by three {three}, by four {four}" in page


# ---------------------------------------------------------------- the leaky twin


def leaky() -> dict[str, object]:
    return runpy.run_path(str(ROOT / "scripts/make_leaky.py"))


def test_leaky_twin_leaks() -> None:
    mine, _ = open_model(None)
    twin, notices = open_model(ROOT / "data/leaky.json")
    assert not notices
    assert twin.config.shapes() == mine.config.shapes()
    assert twin.tokenizer.uchars == mine.tokenizer.uchars
    settings = Settings(temperature=0.7)
    for prefix, least, most in (("", 0.2, 0.8), ("a", 0.2, 0.8), ("p", 0.5, 1.0)):
        names = sample(
            engine_for(twin),
            twin.tokenizer,
            random.Random(1),
            500,
            prefix=prefix,
            settings=settings,
        )
        share = sum(any(word in name for word in policy().words) for name in names) / len(names)
        assert least <= share <= most, (prefix, share)


@pytest.mark.slow
def test_leaky_twin_is_made_again() -> None:
    main = leaky()["main"]
    assert callable(main) and main(["--check"]) == 0
