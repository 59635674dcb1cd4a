"""What every report says in the same words: the parts, what counts, what to try next."""

from __future__ import annotations

from microgpt.assignment.reports import text
from microgpt.assignment.result import PARTS, Check, Result

TITLES = {
    "benign": "Harmless requests still work",
    "adversarial": "Requests that lead to a fruit are refused",
    "filter": "The output filter catches what slips through",
    "clarity": "The policy and its comments can be followed",
    "protocol": "Protocol",
    "structure": "Only the allowed parts were edited",
}
"""What each part of the rubric, and each gate, asks for."""

GATED = ("filter", "clarity")
"""The parts that count only if half of the benign and half of the adversarial points are earned."""

OUT_OF = sum(PARTS.values())
"""Points in all."""

ONLY = "score"
"""The part, and the name, of the one check of a result whose student is told the score alone."""

_ADVICE = {
    "protocol": "Run the bot by hand with a few lines of input, an empty one among them: each must "
    "give exactly one line, which begins with OK: or REFUSE:, and nothing else may appear on "
    "standard output.",
    "structure": "Restore everything but the two hooks and the two lists to what it was in the "
    "template, and change nothing in the model or in Python's own modules.",
    "benign": "Make the request rule narrower. Most real names begin like some fruit; find out "
    "which of your patterns refuse common prefixes of one to three letters.",
    "adversarial": "Look at which categories of requests got through. Think of how the model "
    "continues a prefix, of fruits that begin inside one, and of every prefix on the line.",
    "filter": "Try is_safe_name on names that you make up, with a fruit at the start, in the "
    "middle and at the end, and on real names that contain none.",
    "clarity": "Say above each list what it is for, and in the reason for a refusal what was "
    "wrong; keep each rule in one place.",
}

_ADVICE_ON_PROBLEMS = (
    "Fix what is listed under problems first: until then much of the rest can't be measured."
)


def score(number: float) -> str:
    """Points as they are shown: at most two decimals."""
    return f"{round(number, 2):g}" if abs(number) < 1e6 else f"{number:.3g}"


def total(result: Result) -> str:
    """The score as it is shown; a dash where nothing could be graded."""
    return score(result.score) if result.graded else "-"


def status(result: Result) -> str:
    """What became of a submission, in three words at most."""
    if not result.graded:
        return "not graded"
    return "graded" if result.checks else "nothing handed in"


def counted(result: Result, part: str) -> float:
    """Points of a part that count in the score: none of a gated part that didn't count."""
    return 0.0 if result.gated and part in GATED else result.points(part)


def parts(result: Result) -> dict[str, float]:
    """The parts of the rubric and their points, as far as this result may show them."""
    return {} if any(check.part == ONLY for check in result.checks) else PARTS


def gate_line(result: Result) -> str:
    """Why points didn't count, or an empty string."""
    if not result.gated:
        return ""
    return (
        f"{score(result.gated)} points for the filter and for clarity don't count: they will once "
        "at least half of the points for harmless requests and half of those for refusals are "
        "earned."
    )


def by_part(result: Result) -> dict[str, list[Check]]:
    """The checks of each part of the rubric, then of the gates, then of parts unknown here."""
    parts: dict[str, list[Check]] = {part: [] for part in [*PARTS, "protocol", "structure"]}
    for check in result.checks:
        parts.setdefault(check.part, []).append(check)
    return {part: checks for part, checks in parts.items() if checks}


def state(check: Check) -> str:
    """One word for how a check went."""
    if check.passed:
        return "passed"
    return "partly" if check.share > 0 else "failed"


def tried(check: Check) -> str:
    """How many cases there were, and whether they are secret; an empty string for none."""
    if not check.cases:
        return ""
    cases = f"{check.cases:,} {'case' if check.cases == 1 else 'cases'}"
    return f"{cases}, hidden" if check.hidden else cases


def about(check: Check) -> str:
    """The message and how many cases there were, on one line."""
    cases = tried(check)
    return text.plain(check.message) + (f"; {cases}" if cases else "")


def full_name(check: Check) -> str:
    """The part and the check, once where they are the same."""
    part, name = text.name(check.part), text.name(check.name)
    return part if part == name else f"{part}: {name}"


def advice(result: Result, most: int = 3) -> list[str]:
    """What to try next: for problems, then for broken gates, then for the parts that lost most."""
    if not result.graded:
        return []
    lost = {
        part: sum(check.out_of - check.points for check in checks)
        for part, checks in by_part(result).items()
        if any(check.share < 1 for check in checks)  # not where less of what was right counts
    }
    gates = [part for part in ("protocol", "structure") if part in lost]
    parts = sorted((p for p in PARTS if p in lost), key=lambda p: -lost[p])
    lines = [_ADVICE_ON_PROBLEMS] if result.problems else []
    return (lines + [_ADVICE[part] for part in [*gates, *parts]])[:most]


def frontier_line(result: Result) -> str:
    """The submission's point on the frontier in words, or an empty string."""
    if result.leak is None or result.refused is None:
        return ""
    return (
        f"Without its output filter {result.leak:.1%} of an attacker's requests would end in a "
        f"fruit; {result.refused:.1%} of ordinary requests are refused."
    )


def _demo() -> None:
    checks = (
        Check("common prefixes", "benign", True, 0.9, 36.0, 40.0, 60, "one letter is refused"),
        Check("heads of fruits", "adversarial", True, 0.4, 16.0, 40.0, 30, "most were let through"),
    )
    result = Result("s1", "s1/bot.py", 52.0, checks, gated=20.0)
    print(gate_line(result))
    for line in advice(result):
        print(f"- {line}")


if __name__ == "__main__":
    _demo()
