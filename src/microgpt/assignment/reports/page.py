"""A student's feedback as one HTML file: no scripts, no requests to anywhere, light and dark.

Every number on it comes from the ``Result``; the same result gives the same bytes. Text from the
submission is escaped, and the page forbids itself scripts and requests (Content-Security-Policy),
so that even a mistake here couldn't run anything.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from microgpt.assignment.reports import shape, text
from microgpt.assignment.result import PARTS, Check, Result

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_SIGNS = {"passed": "✓", "partly": "◐", "failed": "✗"}


def render(result: Result, frontier: str = "") -> str:
    """The whole page. ``frontier``: an SVG that ``grading.frontier`` drew, or empty."""
    low = frontier.lower()
    assert "<script" not in low and "javascript:" not in low, "a picture must not hold a script"
    who = text.html(text.name(result.student))
    sections = [
        _problems(result),
        _points(result) if result.graded else "",
        _advice(result),
        _checks(result),
        _frontier(result, frontier),
        _section("confirm", "To be confirmed by a person", _list(result.confirm))
        if result.confirm
        else "",
        _run(result),
    ]
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        '<meta name="robots" content="noindex">\n'
        f"<title>Feedback for {who}</title>\n"
        f"<style>\n{_style()}</style>\n</head>\n<body>\n"
        f"<header>\n<div>\n<p>Feedback</p>\n<h1>{_bdi(text.name(result.student))}</h1>\n"
        f"<p>{_bdi(text.name(result.submission))}</p>\n</div>\n"
        f'<p class="score">{_score(result)}</p>\n'
        "</header>\n<main>\n"
        + "\n".join(section for section in sections if section)
        + "\n</main>\n</body>\n</html>\n"
    )


def _score(result: Result) -> str:
    if not result.graded:
        return "<b>not graded</b>"
    return f"<b>{shape.score(result.score)}</b> of {shape.OUT_OF:g}"


def _bdi(line: str) -> str:
    """Text from outside, kept from changing the direction of what follows."""
    return f"<bdi>{text.html(line)}</bdi>"


def _section(ident: str, title: str, body: str) -> str:
    return f'<section aria-labelledby="{ident}">\n<h2 id="{ident}">{title}</h2>\n{body}\n</section>'


def _list(lines: Iterable[str]) -> str:
    items = "\n".join(f"<li>{_bdi(line)}</li>" for line in lines)
    return f'<ul class="plain">\n{items}\n</ul>'


def _problems(result: Result) -> str:
    if not result.problems:
        return ""
    return _section(
        "problems", "Problems", f'<div class="note bad">\n{_list(result.problems)}\n</div>'
    )


def _points(result: Result) -> str:
    rows = []
    if not shape.parts(result):
        return ""
    for part, out_of in PARTS.items():
        points = result.points(part)
        off = bool(result.gated) and part in shape.GATED
        share = min(1.0, max(0.0, points / out_of))
        title = shape.TITLES[part] + (" (not counted)" if off else "")
        rows.append(
            f"<tr{' class=off' if off else ''}><th scope=row>{title}</th>"
            f'<td class="bar" aria-hidden="true"><span><i style="width:{share:.1%}"></i></span>'
            f'</td><td class="n">{shape.score(points)}</td><td class="n">{out_of:g}</td></tr>'
        )
    table = (
        '<table>\n<thead><tr><th scope=col>part</th><td class="bar" aria-hidden="true"></td>'
        '<th scope=col class="n">points</th><th scope=col class="n">of</th></tr></thead>\n<tbody>\n'
        + "\n".join(rows)
        + "\n</tbody>\n<tfoot><tr><th scope=row>Score</th>"
        '<td class="bar" aria-hidden="true"></td>'
        f'<td class="n">{shape.score(result.score)}</td><td class="n">{shape.OUT_OF:g}</td></tr>'
        "</tfoot>\n</table>"
    )
    gate = shape.gate_line(result)
    return _section(
        "points", "Points", table + (f'\n<div class="note"><p>{gate}</p></div>' if gate else "")
    )


def _advice(result: Result) -> str:
    lines = shape.advice(result)
    return _section("next", "What to try next", _list(lines)) if lines else ""


def _checks(result: Result) -> str:
    parts = []
    for part, checks in shape.by_part(result).items():
        title = shape.TITLES.get(part) or text.html(text.name(part))
        points = (
            f'<span class="points">{shape.score(result.points(part))} of {PARTS[part]:g}</span>'
            if part in PARTS
            else ""
        )
        items = "\n".join(map(_check, checks))
        parts.append(f"<h3><span>{title}</span>{points}</h3>\n<ul>\n{items}\n</ul>")
    if not parts:
        return ""
    says = (
        "<p>Hidden cases differ from student to student; for these only the kind of mistake is "
        "shown. Examples are public cases.</p>"
        if any(check.hidden for check in result.checks)
        else ""
    )
    return _section("checks", "What was checked", says + "\n" + "\n".join(parts))


def _check(check: Check) -> str:
    state = shape.state(check)
    points = f"{shape.score(check.points)} of {shape.score(check.out_of)}" if check.out_of else ""
    tried = shape.tried(check)
    about = _bdi(check.message) + (f" · {tried.replace(' ', '&nbsp;', 1)}" if tried else "")
    examples = "".join(f"<li><code>{_bdi(example)}</code></li>\n" for example in check.examples)
    return (
        f'<li class="check"><span class="state {state}"><span aria-hidden="true">{_SIGNS[state]}'
        f"</span> {state}</span><span>{_bdi(text.name(check.name))}</span>"
        f'<span class="points">{points}</span><p>{about}</p>'
        + (f"\n<ul>\n{examples}</ul>" if examples else "")
        + "</li>"
    )


def _frontier(result: Result, frontier: str) -> str:
    line = shape.frontier_line(result)
    if not line and not frontier:
        return ""
    picture = f"\n<figure>{frontier}</figure>" if frontier else ""
    return _section("frontier", "Safety against usefulness", f"<p>{line}</p>{picture}")


def _run(result: Result) -> str:
    how = text.html(result.how or f"Graded by microgpt {text.plain(result.version, text.NAME)}.")
    same = f"<p>{how} The same submission gets the same score on every run.</p>"
    if not result.isolation:
        return _section("run", "How it was run", same)
    told = "<p>What the grading machine couldn't isolate from your program:</p>"
    return _section("run", "How it was run", f"{same}\n{told}\n{_list(result.isolation)}")


def _style() -> str:
    return Path(__file__).with_name("page.css").read_text(encoding="utf-8")


def _demo() -> None:
    checks = (Check("common <b>", "benign", True, 0.9, 36.0, 40.0, 60, "one letter is refused"),)
    page = render(Result("Zoë", "s1/bot.py", 36.0, checks))
    print(f"{len(page):,} characters; the name in it: {'common &lt;b&gt;' in page}")


if __name__ == "__main__":
    _demo()
