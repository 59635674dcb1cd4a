"""Makes a release: sets the version, says what is still missing, builds the packages, tags.

    python scripts/release.py version 1.2.3                    # in all places, unreleased
    python scripts/release.py version 1.2.3 --date 2027-01-31  # the same, with the date of release
    python scripts/release.py check                            # what still prevents a release?
    python scripts/release.py build                            # dist/: all that is published
    python scripts/release.py release --tested COMMIT          # check, build, then tag

Nothing is ever pushed or uploaded. `--dry-run` prints what would be done, and does nothing.
notes/releasing.md has the steps around these. Needs Python and git, no package.
"""

import argparse
import datetime
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CHANGELOG, CITATION = "CHANGELOG.md", "CITATION.cff"
# Where the version is written: once in each file, on a line of this form.
PLACES = {
    "pyproject.toml": (r'^version = "(.*)"$', 'version = "{}"'),
    "src/microgpt/__init__.py": (r'^__version__ = "(.*)"$', '__version__ = "{}"'),
    CITATION: (r"^version: (.*)$", "version: {}"),
}
HEADING = re.compile(r"^## (\S+) \((unreleased|\d{4}-\d\d-\d\d)\)$", re.MULTILINE)
RELEASED = re.compile(r"^date-released: (.*)\n", re.MULTILINE)
SCRIPT = "python scripts/release.py"
BUILD = (("scripts/dev.py", "wheels"), ("scripts/dev.py", "sdist"))


def read(name):
    try:
        return (ROOT / name).read_text(encoding="utf-8")
    except OSError as error:
        sys.exit(f"can't read {name}: {error.strerror}. It is part of every checkout: restore it.")


def git(*words):
    """What git prints; ends the program if it fails."""
    try:
        done = subprocess.run(
            ["git", *words], cwd=ROOT, capture_output=True, encoding="utf-8", errors="replace"
        )
    except FileNotFoundError:
        sys.exit("git isn't on the PATH, and a release is a commit with a tag: install git.")
    if done.returncode:
        sys.exit(
            f"`git {shlex.join(words)}` failed: {done.stderr.strip()}\n"
            "A release is made in a git checkout with a commit: fix that, then run this again."
        )
    return done.stdout.strip()


# ---------------------------------------------------------------- what is there


def numbers(version):
    """A version as three numbers that can be compared; None if it isn't one."""
    found = re.fullmatch(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)", version)
    return found and tuple(map(int, found.groups()))


def versions():
    """Place to version, for all of ``PLACES``."""
    found = {}
    for name, (pattern, form) in PLACES.items():
        lines = re.findall(pattern, read(name), re.MULTILINE)
        if len(lines) != 1:
            sys.exit(
                f"{name} has {len(lines)} lines like `{form.format('1.2.3')}`, but must have 1: "
                "put it right by hand."
            )
        found[name] = lines[0]
    return found


def newest():
    """The changelog's newest section: version, ``unreleased`` or the day, its lines."""
    text = read(CHANGELOG)
    first = re.search(r"^## .*$", text, re.MULTILINE)
    heading = first and HEADING.match(text, first.start())
    if not heading:
        told = f"begins its newest section with `{first[0]}`" if first else "has no section"
        sys.exit(
            f"{CHANGELOG} {told}, but it must be like `## 1.2.3 (unreleased)` or "
            "`## 1.2.3 (2027-01-31)`: write it that way by hand."
        )
    following = re.search(r"^## ", text[heading.end() :], re.MULTILINE)
    end = heading.end() + following.start() if following else len(text)
    return heading[1], heading[2], text[heading.end() : end].strip()


def tags():
    """Released versions, as numbers, with the name of the tag."""
    return {numbers(name[1:]): name for name in git("tag", "--list", "v*").split()}


def version_faults():
    """What is wrong with versions and dates, however the checkout was made."""
    found, (told, day, lines) = versions(), newest()
    version = found["pyproject.toml"]
    everywhere = {**found, CHANGELOG: told}
    faults = []
    if len(set(everywhere.values())) > 1:
        listed = ", ".join(f"{name} {value}" for name, value in everywhere.items())
        faults.append(
            f"The version isn't the same everywhere ({listed}): `{SCRIPT} version {version}`."
        )
    if numbers(version) is None:
        faults.append(not_a_version(version))
    if day == "unreleased":
        faults.append(
            f"{CHANGELOG} calls {told} unreleased: give it its date with `{SCRIPT} version {told} "
            f"--date {datetime.date.today()}`."
        )
    else:
        cited = (RELEASED.findall(read(CITATION)) or ["no date"])[0]
        if cited != day:
            faults.append(
                f"{CITATION} says {cited} for the release, {CHANGELOG} {day}: "
                f"`{SCRIPT} version {told} --date {day}`."
            )
    if not lines:
        faults.append(f"{CHANGELOG} has no line about {told}: write what has changed for a user.")
    return faults


def checkout_faults():
    """What keeps the commit that is checked out from being tagged."""
    version, faults = versions()["pyproject.toml"], []
    branch = git("branch", "--show-current")
    if branch != "main":
        told = f"The branch is {branch}" if branch else "No branch is checked out"
        faults.append(f"{told}, but a release is made on main: `git switch main`.")
    changed = git("status", "--porcelain").splitlines()
    if changed:
        names = ", ".join(line[2:].strip() for line in changed[:3])
        more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
        count = "1 file isn't" if len(changed) == 1 else f"{len(changed)} files aren't"
        faults.append(
            f"{count} as in the last commit ({names}{more}), but all must be: commit them, or put "
            "them aside with `git stash --include-untracked`."
        )
    return [*faults, *tag_faults(version)]


def tag_faults(version):
    """Whether a version number is still free."""
    released, wanted = tags(), numbers(version)
    if wanted and wanted in released:
        where = git("rev-list", "-1", "--abbrev-commit", released[wanted])
        return [
            f"{version} is released already (the tag {released[wanted]}, on {where}), and a "
            f"version is released once: use a later one with `{SCRIPT} version`."
        ]
    later = max((each for each in released if each), default=None)
    if wanted and later and wanted < later:
        return [f"{version} comes before {released[later]}, which is released: use a later one."]
    return []


def tested_faults(tested):
    """Whether the caller says that the tests passed on this very commit."""
    here = git("rev-parse", "HEAD")
    if tested is None:
        return [
            "Nothing says that this commit was tested: run `bash .ci/run`, and when all of it has "
            f"passed add `--tested {here[:10]}`, the commit that it ran on."
        ]
    if len(tested) < 7 or not here.startswith(tested):
        return [
            f"--tested is {tested}, but this commit begins with {here[:10]} (at least 7 digits are "
            "needed): another one was tested. Run `bash .ci/run` here."
        ]
    return []


def not_a_version(text):
    return f"{text!r} is not a version: that is three whole numbers joined by dots, such as 0.2.1."


# ---------------------------------------------------------------- what is done


def set_version(version, day, dry):
    """Writes the version in all places, and the date of release or none."""
    if numbers(version) is None:
        sys.exit(not_a_version(version))
    if day and not is_day(day):
        sys.exit(f"{day!r} is not a date: write year, month and day, such as 2027-01-31.")
    before, (told, told_day, _) = versions(), newest()
    if released := tag_faults(version):
        sys.exit("\n".join(released))
    highest = max(filter(None, map(numbers, [*before.values(), told])), default=(0, 0, 0))
    if numbers(version) < highest:
        sys.exit(
            f"{version} comes before {'.'.join(map(str, highest))}, which is there now: "
            "versions only rise. Use a later one."
        )
    changes = {}
    for name, (pattern, form) in PLACES.items():
        changes[name] = re.sub(pattern, form.format(version), read(name), flags=re.MULTILINE)
    cited = RELEASED.sub("", changes[CITATION])
    if day:
        cited = re.sub(r"^(version: .*\n)", rf"\1date-released: {day}\n", cited, flags=re.MULTILINE)
    changes[CITATION] = cited
    heading = f"## {version} ({day or 'unreleased'})"
    if told_day != "unreleased" and told != version:  # that one is history: a new section above it
        heading += f"\n\n## {told} ({told_day})"
    changes[CHANGELOG] = HEADING.sub(lambda _: heading, read(CHANGELOG), count=1)
    for name, text in changes.items():
        if text == read(name):
            print(f"{name} says so already")
        elif dry:
            print(f"{name} would be changed")
        else:
            replace(ROOT / name, text)
            print(f"{name} changed")
    print("Nothing was written." if dry else f"The version is {version}, {day or 'unreleased'}.")


def is_day(text):
    try:
        return str(datetime.date.fromisoformat(text)) == text
    except ValueError:
        return False


def replace(path, text):
    """Writes a file whole, or leaves it as it was."""
    new = path.with_name(path.name + ".new")
    try:
        new.write_text(text, encoding="utf-8", newline="\n")
        new.replace(path)
    except OSError as error:
        new.unlink(missing_ok=True)
        sys.exit(f"can't write {path}: {error.strerror}. Fix that, then run this again.")


def build(dry):
    """The wheels of all platforms, the source distribution, the bill of materials."""
    # Archives then carry the commit's time, not that of building.
    env = {**os.environ, "SOURCE_DATE_EPOCH": git("log", "-1", "--format=%ct")}
    for script, command in BUILD:
        if dry:
            print(f"would run: python {script} {command}")
            continue
        code = subprocess.call([sys.executable, str(ROOT / script), command], cwd=ROOT, env=env)
        if code:
            sys.exit(
                f"`python {script} {command}` ended with {code}, must end with 0: what it says "
                "above is what to fix. No tag was made."
            )


def release(tested, dry):
    """Check, build, tag. A tag is the last thing made, so that nothing that failed has one."""
    refuse([*checkout_faults(), *version_faults(), *tested_faults(tested)])
    version = versions()["pyproject.toml"]
    build(dry)
    words = ["tag", "--annotate", f"v{version}", "--message", f"microgpt {version}"]
    if dry:
        print(f"would run: git {shlex.join(words)}\nNothing was built or tagged.")
        return
    git(*words)
    print(
        f"The tag v{version} is on {git('rev-parse', '--short', 'HEAD')}, only here: nothing was "
        f"pushed. Look through dist/, then publish it with `git push origin main v{version}`, or "
        f"remove it with `git tag --delete v{version}`."
    )


def check(tag):
    """All faults of this commit; for an existing tag, whether it is this version's."""
    if tag is None:
        refuse([*checkout_faults(), *version_faults()])
    else:
        version = versions()["pyproject.toml"]
        wrong = f"The tag is {tag}, the version {version}: its tag is v{version}. Delete {tag}."
        refuse([*([] if tag == f"v{version}" else [wrong]), *version_faults()])
    print(f"{versions()['pyproject.toml']} can be released.")


def refuse(faults):
    if faults:
        sys.exit("\n".join(["This can't be released yet:", *(f"- {fault}" for fault in faults)]))


def main(words):
    parser = argparse.ArgumentParser(
        prog="release.py", description="Makes a release; nothing is ever pushed."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("version", help="set the version in all places")
    one.add_argument("version", help="such as 1.2.3")
    one.add_argument("--date", metavar="DAY", help="the date of release; without it, unreleased")
    two = commands.add_parser("check", help="say what keeps this commit from being released")
    two.add_argument("--tag", help="an existing tag: is it this version's?")
    three = commands.add_parser("build", help="build all that is published into dist/")
    four = commands.add_parser("release", help="check, build, and tag this commit, only here")
    four.add_argument("--tested", metavar="COMMIT", help="the commit on which .ci/run passed")
    for each in (one, three, four):
        each.add_argument("--dry-run", action="store_true", help="print what would be done")
    given = parser.parse_args(words)
    if given.command == "version":
        set_version(given.version, given.date, given.dry_run)
    elif given.command == "check":
        check(given.tag)
    elif given.command == "build":
        build(given.dry_run)
    else:
        release(given.tested, given.dry_run)


if __name__ == "__main__":
    main(sys.argv[1:])
