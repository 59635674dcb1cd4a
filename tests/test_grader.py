"""The grader itself: its cases follow from the rule, its points from what a bot does.

The mutants of mutant_bots.py are the test that counts: each flawed bot must land in its band.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot_sources import SOLUTION, TEMPLATE, own_template
from class_bank import KEY, prepared_class
from cli_runner import ok, refused
from microgpt.assignment.grading import cases as kinds
from microgpt.assignment.grading import rubric
from microgpt.assignment.grading.cases import Suite, make_suite, public_cases
from microgpt.assignment.grading.clarity import clarity
from microgpt.assignment.grading.grader import LIMITS, Options, Prepared, grade
from microgpt.assignment.grading.replies import fits, read_reply
from microgpt.assignment.grading.structure import examine
from microgpt.assignment.grading.tries import Tries
from microgpt.assignment.intake.source import Source
from microgpt.assignment.intake.submissions import Submission
from microgpt.assignment.kit.variants import variant
from microgpt.assignment.result import PARTS, Check, Result
from microgpt.guard.automaton import Automaton
from microgpt.guard.leak import LeakMeter, rule
from microgpt.opening import engine_for
from mutant_bots import Mutant, mutants

WHO = "mutant"


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return prepared_class(tmp_path_factory, Options(key=KEY, limits=replace(LIMITS, cpu_s=4)))


@pytest.fixture(scope="session")
def suite(prepared: Prepared) -> Suite:
    return make_suite(prepared.bank, variant(WHO, KEY))


def result_of(source: str | bytes, prepared: Prepared, who: str = WHO) -> Result:
    bot = source if isinstance(source, bytes) else source.encode()
    return grade(Submission(who, "bot.py", bot), prepared.options, prepared)


# ---------------------------------------------------------------- the whole path


@pytest.mark.slow
def test_reference_gets_all_points(prepared: Prepared) -> None:
    result = result_of(SOLUTION, prepared)
    lost = [(c.name, c.message) for c in result.checks if not c.passed]
    assert (result.score, lost, result.problems) == (100, [], ())
    assert Result.from_json(json.loads(json.dumps(result.as_json()))) == result


@pytest.mark.slow
def test_untouched_template_stays_below_half(prepared: Prepared) -> None:
    result = result_of(TEMPLATE, prepared)
    assert result.score == 40
    assert result.points("benign") == 40
    assert result.points("adversarial") == result.points("filter") == result.points("clarity") == 0


@pytest.mark.slow
def test_a_verdict_shows_no_hidden_case(prepared: Prepared, suite: Suite) -> None:
    result = result_of(TEMPLATE, prepared)
    told = " ".join([*result.problems, *result.confirm, *(c.message for c in result.checks)])
    told += " ".join(example for check in result.checks for example in check.examples)
    shown = {case.line for case in suite.cases if case.public}
    for case in suite.cases:
        if not case.public and len(case.line) >= 4 and case.line not in shown:
            assert not re.search(rf"\b{re.escape(case.line)}\b", told), case
    for name in (*suite.planted, *suite.names):
        assert len(name) < 4 or name in shown or not re.search(rf"\b{name}\b", told), name
    assert KEY.hex() not in told


@pytest.mark.slow
def test_nothing_handed_in(prepared: Prepared) -> None:
    result = grade(Submission("s", "s", None, problems=("No.",)), prepared.options, prepared)
    assert (result.score, result.checks, result.problems) == (0, (), ("No.",))


@pytest.mark.slow
def test_own_policy_names_and_parser_traps(prepared: Prepared) -> None:
    deep = "x = " + "(" * 50_000 + ")" * 50_000
    for source in (deep, "\0", "x = " + "-" * 50_000 + "1", b"\xff\xfe\0", b"# coding: nonsense"):
        result = result_of(source, prepared)
        assert result.score == 0
        assert result.problems


# ---------------------------------------------------------------- cases


@pytest.mark.slow
def test_cases_follow_from_the_rule(prepared: Prepared, suite: Suite) -> None:
    """Some of the cases are judged anew, by leaks that are measured more exactly."""
    opened, bank = prepared.opened, prepared.bank
    automaton = Automaton.of(bank.words, opened.tokenizer)
    meter = LeakMeter(engine_for(opened), opened.tokenizer, automaton)
    for case in suite.cases[::12]:
        verdicts = set()
        for p in case.prefixes:
            leak = meter.of(p, nodes=3000, samples=5000)
            verdicts.add(rule(p, leak, automaton, bank.bearing))
        assert verdicts == {"allow"} if not case.refuse else "refuse" in verdicts, case


@pytest.mark.slow
def test_grey_prefixes_and_real_names_are_in_no_case(suite: Suite) -> None:
    asked = {p for case in suite.cases for p in case.prefixes}
    assert not asked & {"pe", "cher", "oran", "apri", "pearl", "oliver", "olive", "mel"}
    assert not set(suite.names) & {"pearl", "oliver", "apple", "salim"}


@pytest.mark.slow
def test_every_kind_has_cases_and_the_points_add_up(suite: Suite) -> None:
    found = defaultdict(int)
    for case in suite.cases:
        found[case.kind, case.refuse] += 1
    for kind in kinds.ALLOWED:
        assert found[kind, False] >= 25, kind
    for kind in kinds.REFUSED:
        assert found[kind, True] >= 8, kind
    assert set(rubric.BENIGN) == {kinds.PUBLIC, *kinds.ALLOWED}
    assert set(rubric.ADVERSARIAL) == {kinds.PUBLIC, *kinds.REFUSED}
    benign = {**rubric.BENIGN, **rubric.OVER_BLOCKING}
    tables = (benign, rubric.ADVERSARIAL, rubric.FILTER, rubric.CLARITY)
    assert [sum(table.values()) for table in tables] == list(PARTS.values())


@pytest.mark.slow
def test_the_given_loop_makes_the_prefixes_of_each_line(suite: Suite) -> None:
    for case in suite.cases:
        words = ["".join(c for c in w if "a" <= c <= "z") for w in case.line.lower().split()]
        assert tuple(w for w in words if w) == case.prefixes or case.prefixes == ("",)


@pytest.mark.slow
def test_hidden_cases_follow_from_key_and_student(prepared: Prepared, suite: Suite) -> None:
    bank = prepared.bank
    assert make_suite(bank, variant(WHO, KEY)) == suite
    for other in (variant("other", KEY), variant(WHO, b"j" * 32), variant(WHO, None)):
        hidden = [c for c in make_suite(bank, other).cases if not c.public]
        mine = [c for c in suite.cases if not c.public]
        assert len({c.line for c in hidden} & {c.line for c in mine}) < 0.9 * len(mine)


@pytest.mark.slow
def test_common_prefixes_weigh_more(prepared: Prepared, suite: Suite) -> None:
    one = {case.line: case.weight for case in suite.cases if case.kind == kinds.ONE_LETTER}
    counts = prepared.bank.counts
    assert one["a"] == counts["a"] > one["x"] == counts["x"]


@pytest.mark.slow
def test_what_the_model_writes_is_the_same_for_all(prepared: Prepared) -> None:
    opened = prepared.opened
    both = []
    for name in ("auto", "numpy"):
        tries = Tries(0.7, 10)
        tries.fill(engine_for(opened, name), opened.tokenizer, ["", "lemo", "z" * 40])
        both.append(tries.known)
    assert both[0] == both[1]
    assert set(both[0]["z" * 40]) == {"z" * 16}
    alone = Tries(0.7, 10)
    alone.fill(engine_for(opened), opened.tokenizer, ["lemo"])
    assert alone.known["lemo"] == both[0]["lemo"]


# ---------------------------------------------------------------- replies and points


@pytest.mark.parametrize(
    ("line", "prefixes", "fine"),
    [
        ("OK: jara", ["j"], True),
        ("OK: jara, an", ["j", "an"], True),
        ("OK: an, jara", ["j", "an"], False),
        ("OK: jara", ["j", "a"], False),
        ("OK: jara, an", ["j"], False),
        ("OK: ", [""], False),
        ("OK: jara,an", ["j", "an"], False),
        ("OK:jara", ["j"], False),
        ("ok: jara", ["j"], False),
        ("REFUSE: no.", ["j"], True),
        ("REFUSE:", ["j"], False),
        ("REFUSE: ", ["j"], False),
        ("", ["j"], False),
        ("OK: " + "z" * 16, ["z" * 40], True),
    ],
)
def test_replies(line: str, prefixes: list[str], fine: bool) -> None:
    assert fits(read_reply(line), prefixes, 16) is fine


def _check(part: str, points: float) -> Check:
    return Check("x", part, False, 1.0, points, points, 1, "")


@pytest.mark.parametrize(
    ("benign", "adversarial", "score", "gated"),
    [
        (40, 40, 100, 0),
        (20, 20, 60, 0),
        (19.9, 40, 59.9, 20),
        (40, 19.9, 59.9, 20),
        (0, 40, 40, 20),
    ],
)
def test_filter_and_clarity_count_from_half_on(
    benign: float, adversarial: float, score: float, gated: float
) -> None:
    checks = [_check(p, n) for p, n in zip(PARTS, (benign, adversarial, 10, 10), strict=True)]
    assert rubric.score(checks) == (score, gated)


# ---------------------------------------------------------------- the text


def test_structure_of_the_reference() -> None:
    found = examine(Source(SOLUTION.encode()), TEMPLATE.encode())
    assert (found.template, found.changed, found.reaches) == (True, (), ())
    assert examine(Source(SOLUTION.replace("\n", "\r\n").encode()), TEMPLATE.encode()) == found
    assert not examine(Source(own_template(hooks=True).encode()), TEMPLATE.encode()).template


def test_structure_with_the_class_own_template() -> None:
    base = own_template(True, TEMPLATE).encode()
    found = examine(Source(own_template(True).encode()), base)
    assert (found.template, found.changed, found.reaches) == (True, (), ())
    edited = own_template(True).replace("range(10)", "range(1000)").encode()
    assert len(examine(Source(edited), base).changed) == 1


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("random.choices = max", "changes random.choices"),
        ("sys.stdout.write = print", "changes sys.stdout"),
        ("import random as lemon\nlemon.choices = max", "changes random.choices"),
        ("random.lemon = 1", "changes something in random"),
        ("import os.lemon", "imports os (line"),
        ("import os", "imports os"),
        ("from subprocess import run", "imports from subprocess"),
        ("data = open('x')", "calls open"),
        ("frame = sys._getframe()", "uses _getframe"),
    ],
)
def test_what_a_policy_has_no_need_of(line: str, told: str) -> None:
    source = TEMPLATE.replace("TEMPERATURE = 0.7", f"{line}\nTEMPERATURE = 0.7")
    found = examine(Source(source.encode()), TEMPLATE.encode())
    assert any(told in phrase for phrase in found.reaches), found


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("TRIES = 10", "TRIES = 1000", "TRIES"),
        ("total += weight * value", "total -= weight * value", "multiply"),
        ("TEMPERATURE = 0.7", "def any(x):\n    return False\nTEMPERATURE = 0.7", "any"),
        ("TEMPERATURE = 0.7", "write_name = None\nTEMPERATURE = 0.7", "write_name"),
    ],
)
def test_changes_beside_the_four_parts(old: str, new: str, what: str) -> None:
    found = examine(Source(TEMPLATE.replace(old, new, 1).encode()), TEMPLATE.encode())
    assert found.template
    assert any(what in name for name in found.changed), found


def test_importing_a_module_again_is_no_change() -> None:
    for line in ("import json, random", "import random", "from pathlib import Path"):
        source = TEMPLATE.replace("TEMPERATURE = 0.7", f"{line}\nTEMPERATURE = 0.7")
        assert examine(Source(source.encode()), TEMPLATE.encode()).changed == ()
    other = TEMPLATE.replace("TEMPERATURE = 0.7", "import os as random\nTEMPERATURE = 0.7")
    assert "random" in examine(Source(other.encode()), TEMPLATE.encode()).changed[0]


@pytest.mark.slow
def test_given_comments_are_no_evidence(prepared: Prepared) -> None:
    base, blank = TEMPLATE.encode(), prepared.blank
    none = clarity(Source(base), blank, base, blank)
    assert (none.docstrings, none.commented, none.comments, none.words) == (0, 0, 0, 0)
    good = clarity(Source(SOLUTION.encode()), None, base, blank)
    assert good.docstrings == 2
    assert good.commented == good.patterns >= 2
    assert good.words >= 60


# ---------------------------------------------------------------- mutants


def _mutants(prepared: Prepared) -> list[Mutant]:
    public = public_cases(prepared.bank, variant(WHO, KEY))
    return mutants([c.line for c in public if not c.refuse], [c.line for c in public if c.refuse])


def _graded(chosen: list[Mutant], prepared: Prepared) -> Iterator[tuple[Mutant, Result]]:
    """The one that forks ends at the clock alone: a short time is enough for it."""
    for mutant in chosen:
        wall_s = 15 if mutant.name == "forks" else LIMITS.wall_s
        options = replace(prepared.options, limits=replace(prepared.options.limits, wall_s=wall_s))
        yield mutant, result_of(mutant.bot, replace(prepared, options=options))


_PARTS = 3  # so that processes can share the mutants out


@pytest.mark.slow
@pytest.mark.parametrize("part", range(_PARTS))
def test_mutants_land_in_their_bands(prepared: Prepared, part: int) -> None:
    every = _mutants(prepared)
    assert len(every) >= 25
    wrong = []
    for mutant, result in _graded(every[part::_PARTS], prepared):
        problems = " ".join(result.problems)
        if not mutant.low <= result.score <= mutant.high:
            wrong.append(f"{mutant.name}: {result.score}, not {mutant.low} to {mutant.high}")
        if mutant.problem not in problems:
            wrong.append(f"{mutant.name}: {mutant.problem!r} isn't in {problems!r}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.slow
def test_a_sleeper_is_stopped_by_the_clock(prepared: Prepared) -> None:
    options = replace(prepared.options, limits=replace(LIMITS, wall_s=3))
    short = replace(prepared, options=options)
    for place in ("import time\n", "import time\ntime.sleep(1000)\n"):
        source = TEMPLATE.replace("import math\n", f"import math\n{place}", 1)
        if "sleep" not in place:
            source = source.replace("    return None", "    time.sleep(1000)", 1)
        result = result_of(source, short)
        assert result.score == 0
        assert result.problems[0] == "It took too long: none of its answers count."


_AGAIN = ("reference", "head list only", "unseeded random hooks", "crashes at a case",
          "own template without hooks")  # fmt: skip


@pytest.mark.slow
def test_the_same_verdict_again(prepared: Prepared) -> None:
    chosen = [m for m in _mutants(prepared) if m.name in _AGAIN]
    assert len(chosen) == len(_AGAIN)
    _same_verdicts(chosen, prepared, 2)


@pytest.mark.prove
def test_the_same_verdict_ten_times(prepared: Prepared) -> None:
    _same_verdicts(_mutants(prepared), prepared, 10)


def _same_verdicts(chosen: list[Mutant], prepared: Prepared, times: int) -> None:
    verdicts: dict[str, set[Result]] = defaultdict(set)
    for _ in range(times):
        for mutant, result in _graded(chosen, prepared):
            verdicts[mutant.name].add(result)
    changed = {name: some for name, some in verdicts.items() if len(some) > 1}
    assert not changed, changed


@pytest.mark.slow
def test_a_class_from_the_command_line(tmp_path: Path) -> None:
    students = {
        "ada": SOLUTION,
        "bob": TEMPLATE,
        "cleo": "import os\nos._exit(3)\n",
        "dan": "1 / 0\n",
        "eve": None,
    }
    for name, source in students.items():
        (tmp_path / "class" / name).mkdir(parents=True)
        if source is not None:
            (tmp_path / "class" / name / "bot.py").write_text(source, encoding="utf-8")
    roster = tmp_path / "roster.csv"
    roster.write_text("id,name,email\n" + "".join(f"{n},{n},\n" for n in (*students, "fay")))
    key = tmp_path / "key"
    key.write_text(KEY.hex())
    done = ok(
        "grade", tmp_path / "class", "--roster", roster, "--key", key, "--jobs", "2",
        "--out", tmp_path / "out", "--format", "gradescope", "--json",
    )  # fmt: skip
    scores = {result["student"]: result["score"] for result in done.of("result")}
    assert scores == {"ada": 100, "bob": 40, "cleo": 0, "dan": 0, "eve": 0, "fay": 0}
    assert done.of("written")[0]["files"] == 2 + 6 + 6
    assert (tmp_path / "out" / "class.csv").read_text().count("\n") == 7


def test_refused_flags(tmp_path: Path) -> None:
    assert "No submission is named" in refused(2, "grade")
    assert "no submission at" in refused(3, "grade", tmp_path / "nowhere.py")
    assert "--out" in refused(2, "grade", "x", "--format", "otter")
    assert "--zip" in refused(2, "grade", "x", "--wheels", tmp_path)
    assert "no wheel of" in refused(2, "grade", "--zip", tmp_path / "a.zip", "--wheels", tmp_path)
    assert not (tmp_path / "a.zip").exists()
    assert "jobs is 0" in refused(2, "grade", "x", "--jobs", "0")
    assert "no key file" in refused(3, "grade", "x", "--key", tmp_path / "nokey")
