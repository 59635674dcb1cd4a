"""Making a release, on small repositories: what keeps one from it, what is written, the tag."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import release

ROOT = Path(__file__).resolve().parent.parent
# A stand-in for the builds: it notes what it was asked for, and fails where it is told to.
BUILDER = """\
import os, pathlib, sys
with open("dist/asked", "a") as asked:
    print(sys.argv[1], os.environ["SOURCE_DATE_EPOCH"], file=asked)
sys.exit(3 if pathlib.Path("dist", "fail-" + sys.argv[1]).exists() else 0)
"""
FILES = {
    "pyproject.toml": '[project]\nname = "x"\nversion = "0.1.0"\n\n[tool]\nminversion = "9.0"\n',
    "src/microgpt/__init__.py": '"""x"""\n\n__version__ = "0.1.0"\n',
    "CITATION.cff": "cff-version: 1.2.0\ntitle: x\nversion: 0.1.0\nlicense: MIT\n",
    "CHANGELOG.md": "# Changelog\n\n## 0.1.0 (unreleased)\n\n- Everything.\n",
    "scripts/dev.py": BUILDER,
    ".gitignore": "/dist/\n",
}


def git(*words: str) -> str:
    done = subprocess.run(["git", *words], check=True, capture_output=True, encoding="utf-8")
    return done.stdout.strip()


def commit(message: str = "x") -> str:
    """Everything as it is now; returns the commit."""
    git("add", "--all")
    git("commit", "--quiet", "--allow-empty", "--message", message)
    return git("rev-parse", "HEAD")


@pytest.fixture
def checkout(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    require_program: Callable[[str], str],
) -> Path:
    """A repository with one commit on main, in which the test and the script run."""
    require_program("git")
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "gitconfig").write_text("[core]\n\tautocrlf = false\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "dist" / "gitconfig"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "a")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "a@a.invalid")
        monkeypatch.setenv(f"GIT_{who}_DATE", "@1700000000 +0000")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(release, "ROOT", tmp_path)
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8", newline="\n")
    git("init", "--quiet", "--initial-branch=main")
    commit()
    return tmp_path


def refused(*words: str) -> str:
    with pytest.raises(SystemExit) as ended:
        release.main(list(words))
    assert isinstance(ended.value.code, str)
    return ended.value.code


def read(*names: str) -> list[str]:
    return [Path(name).read_text("utf-8") for name in names]


def ready() -> str:
    """Make the checkout one that can be released; returns its commit."""
    release.main(["version", "0.2.0", "--date", "2027-01-31"])
    return commit()


# ---------------------------------------------------------------- this repository


def test_the_version_is_the_same_everywhere_in_this_repository() -> None:
    found = {**release.versions(), release.CHANGELOG: release.newest()[0]}
    assert len(set(found.values())) == 1, f"python {release.SCRIPT} version VERSION: {found}"


def test_the_builds_are_commands_of_dev_py() -> None:
    import dev

    assert {command for _, command in release.BUILD} <= set(dev.COMMANDS)
    assert {script for script, _ in release.BUILD} == {"scripts/dev.py"}


def test_the_notes_tell_what_the_script_does() -> None:
    (notes,) = read(str(ROOT / "notes" / "releasing.md"))
    for command in ("version", "check", "build", "release"):
        assert f"scripts/release.py {command}" in notes


# ---------------------------------------------------------------- the version


@pytest.mark.usefixtures("checkout")
def test_the_version_is_written_in_all_places(capsys: pytest.CaptureFixture[str]) -> None:
    release.main(["version", "0.2.0"])
    assert set(release.versions().values()) == {"0.2.0"}
    assert read(*FILES)[:4] == [text.replace("0.1.0", "0.2.0") for text in FILES.values()][:4]
    assert "CHANGELOG.md changed\nThe version is 0.2.0, unreleased." in capsys.readouterr().out
    assert not list(Path().rglob("*.new"))


@pytest.mark.usefixtures("checkout")
def test_the_day_of_release_comes_and_goes() -> None:
    # The format's own version has the same name at its end.
    release.main(["version", "1.2.0", "--date", "2027-01-31"])
    cited, changes = read("CITATION.cff", "CHANGELOG.md")
    assert cited == (
        "cff-version: 1.2.0\ntitle: x\nversion: 1.2.0\ndate-released: 2027-01-31\nlicense: MIT\n"
    )
    assert "## 1.2.0 (2027-01-31)\n\n- Everything.\n" in changes
    release.main(["version", "1.2.0", "--date", "2027-02-01"])
    assert "date-released: 2027-02-01\nlicense" in read("CITATION.cff")[0]
    release.main(["version", "1.2.0"])
    cited, changes = read("CITATION.cff", "CHANGELOG.md")
    assert cited == FILES["CITATION.cff"].replace("0.1.0", "1.2.0")
    assert changes.count("## ") == 1 and "## 1.2.0 (unreleased)" in changes


@pytest.mark.usefixtures("checkout")
def test_after_a_release_the_changelog_gets_a_new_part() -> None:
    ready()
    git("tag", "v0.2.0")
    assert refused("version", "0.2.0").startswith("0.2.0 is released already (the tag v0.2.0, on ")
    release.main(["version", "0.3.0"])
    cited, changes = read("CITATION.cff", "CHANGELOG.md")
    assert "date-released" not in cited
    assert changes == (
        "# Changelog\n\n## 0.3.0 (unreleased)\n\n## 0.2.0 (2027-01-31)\n\n- Everything.\n"
    )
    assert release.newest() == ("0.3.0", "unreleased", "")


@pytest.mark.usefixtures("checkout")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["0.2"], "'0.2' is not a version: that is three whole numbers"),
        (["0.02.0"], "'0.02.0' is not a version"),
        (["v0.2.0"], "'v0.2.0' is not a version"),
        (["0.0.9"], "0.0.9 comes before 0.1.0, which is there now: versions only rise"),
        (
            ["0.2.0", "--date", "2027-02-30"],
            "'2027-02-30' is not a date: write year, month and day",
        ),
        (["0.2.0", "--date", "20270131"], "'20270131' is not a date"),
    ],
)
def test_a_version_that_cannot_be_is_refused(words: list[str], said: str) -> None:
    assert said in refused("version", *words)
    assert read(*FILES) == list(FILES.values())


@pytest.mark.usefixtures("checkout")
@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("pyproject.toml", "[project]\n", "pyproject.toml has 0 lines like `version = \"1.2.3\"`"),
        ("CITATION.cff", 2 * FILES["CITATION.cff"], "CITATION.cff has 2 lines like `version: "),
        ("CHANGELOG.md", "# Changelog\n", "CHANGELOG.md has no section, but it must be like `## 1"),
        ("CHANGELOG.md", "## Unreleased\n", "begins its newest section with `## Unreleased`, but "),
    ],
)  # fmt: skip
def test_a_file_without_its_line_is_told(name: str, text: str, said: str) -> None:
    Path(name).write_text(text, "utf-8")
    before = read(*FILES)
    assert said in refused("version", "0.2.0")
    assert read(*FILES) == before, "nothing is written where not all can be"


@pytest.mark.usefixtures("checkout")
def test_a_missing_file_is_told() -> None:
    Path("CITATION.cff").unlink()
    assert refused("check").startswith("can't read CITATION.cff: No such file")


@pytest.mark.usefixtures("checkout")
def test_a_dry_run_writes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    release.main(["version", "0.2.0", "--date", "2027-01-31", "--dry-run"])
    assert read(*FILES) == list(FILES.values())
    said = capsys.readouterr().out
    assert said.count("would be changed") == 4 and said.endswith("Nothing was written.\n")
    here = ready()
    capsys.readouterr()
    release.main(["release", "--tested", here, "--dry-run"])
    said = capsys.readouterr().out
    for words in ("python scripts/dev.py wheels", "python scripts/dev.py sdist", "git tag --ann"):
        assert f"would run: {words}" in said
    assert git("tag") == "" and not Path("dist", "asked").exists()


# ---------------------------------------------------------------- what keeps it from a release


@pytest.mark.usefixtures("checkout")
def test_all_that_is_missing_is_told_at_once() -> None:
    git("switch", "--quiet", "--create", "other")
    Path("CITATION.cff").write_text(FILES["CITATION.cff"].replace("0.1.0", "0.0.5"), "utf-8")
    Path("a").touch()
    said = refused("release")
    assert len(said.splitlines()) == 6
    for part in (
        "- The branch is other, but a release is made on main: `git switch main`.",
        "- 2 files aren't as in the last commit (CITATION.cff, a), but all must be: commit them",
        "(pyproject.toml 0.1.0, src/microgpt/__init__.py 0.1.0, CITATION.cff 0.0.5, "
        "CHANGELOG.md 0.1.0): `python scripts/release.py version 0.1.0`.",
        "- CHANGELOG.md calls 0.1.0 unreleased: give it its date with `python scripts/release.py "
        "version 0.1.0 --date 20",
        "- Nothing says that this commit was tested: run `bash .ci/run`",
    ):
        assert part in said
    git("switch", "--quiet", "--detach")
    assert "- No branch is checked out, but a release is made on main" in refused("check")


@pytest.mark.usefixtures("checkout")
def test_one_changed_file_is_enough() -> None:
    ready()
    release.main(["check"])
    Path("CHANGELOG.md").write_text(read("CHANGELOG.md")[0] + "\n", "utf-8")
    assert "- 1 file isn't as in the last commit (CHANGELOG.md), but all" in refused("check")


@pytest.mark.usefixtures("checkout")
def test_days_must_agree_and_the_changelog_say_something() -> None:
    ready()
    Path("CHANGELOG.md").write_text("# Changelog\n\n## 0.2.0 (2027-02-01)\n", "utf-8")
    commit()
    assert refused("check").splitlines()[1:] == [
        "- CITATION.cff says 2027-01-31 for the release, CHANGELOG.md 2027-02-01: "
        "`python scripts/release.py version 0.2.0 --date 2027-02-01`.",
        "- CHANGELOG.md has no line about 0.2.0: write what has changed for a user.",
    ]


@pytest.mark.usefixtures("checkout")
def test_a_version_is_released_once_and_they_rise() -> None:
    ready()
    git("tag", "v0.2.0")
    git("tag", "vary")  # not a version
    assert "- 0.2.0 is released already (the tag v0.2.0, on " in refused("check")
    git("tag", "--delete", "v0.2.0")
    git("tag", "v0.10.0")
    assert "- 0.2.0 comes before v0.10.0, which is released: use a later one." in refused("check")
    git("tag", "--delete", "v0.10.0")
    git("tag", "v0.1.10")
    release.main(["check"])


@pytest.mark.usefixtures("checkout")
def test_the_tests_must_have_passed_on_this_very_commit() -> None:
    before = ready()
    here = commit("another")
    for tested in (before, before[:10], here[:6], "yes"):
        said = refused("release", "--tested", tested)
        assert (
            f"- --tested is {tested}, but this commit begins with {here[:10]} (at least 7 digits"
            in said
        )
    assert git("tag") == ""


def test_a_tag_that_is_there_is_this_versions(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the workflow asks, which has the tag alone and no branch."""
    ready()
    git("tag", "v0.2.0")
    git("switch", "--quiet", "--detach")
    release.main(["check", "--tag", "v0.2.0"])
    assert capsys.readouterr().out.endswith("0.2.0 can be released.\n")
    said = refused("check", "--tag", "v0.2.1")
    assert "- The tag is v0.2.1, the version 0.2.0: its tag is v0.2.0. Delete v0.2.1." in said


def test_outside_a_repository_it_is_told(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("other")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(other.parent))
    for name, text in FILES.items():
        (other / name).parent.mkdir(parents=True, exist_ok=True)
        (other / name).write_text(text, "utf-8")
    monkeypatch.setattr(release, "ROOT", other)
    assert "A release is made in a git checkout with a commit" in refused("check")
    monkeypatch.setenv("PATH", "")
    assert refused("check").startswith("git isn't on the PATH")


# ---------------------------------------------------------------- building and tagging


@pytest.mark.usefixtures("checkout")
def test_a_release_is_built_then_tagged_here_alone(capfd: pytest.CaptureFixture[str]) -> None:
    here = ready()
    release.main(["release", "--tested", here[:8]])
    assert read("dist/asked") == ["wheels 1700000000\nsdist 1700000000\n"]
    assert git("tag") == "v0.2.0"
    assert git("rev-list", "-1", "v0.2.0") == here
    assert git("cat-file", "-t", "v0.2.0") == "tag", "with a day and a name, as describe wants it"
    said = capfd.readouterr().out
    assert "only here: nothing was pushed" in said
    assert "`git push origin main v0.2.0`" in said and "`git tag --delete v0.2.0`" in said


@pytest.mark.usefixtures("checkout")
def test_what_does_not_build_is_not_tagged() -> None:
    here = ready()
    Path("dist", "fail-wheels").touch()
    said = refused("release", "--tested", here)
    assert said.startswith("`python scripts/dev.py wheels` ended with 3, must end with 0")
    assert "sdist" not in read("dist/asked")[0]
    assert git("tag") == ""


@pytest.mark.slow
def test_the_source_distribution_is_what_git_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, require_program: Callable[[str], str]
) -> None:
    """In a clone, since a checkout that is worked in may hold more."""
    import wheels

    clone = tmp_path / "clone"
    subprocess.run([require_program("git"), "clone", "--quiet", ROOT, clone], check=True)
    monkeypatch.setattr(wheels, "ROOT", clone)
    (clone / "dist").mkdir()
    (clone / "dist" / "old.tar.gz").touch()
    wheels.sdist()
    (built,) = (clone / "dist").iterdir()
    assert built.name == f"microgpt-{release.versions()['pyproject.toml']}.tar.gz"
    (clone / "data" / "mine.txt").touch()
    with pytest.raises(SystemExit, match=r"holds data/mine\.txt, which git doesn't: commit it"):
        wheels.sdist()
    (clone / "data" / "mine.txt").unlink()
    (clone / "data" / "README.md").unlink()
    with pytest.raises(SystemExit, match=r"lacks data/README\.md, which git has"):
        wheels.sdist()


def test_it_never_pushes() -> None:
    """Neither git nor a program that uploads is started for more than this."""
    (source,) = read(str(ROOT / "scripts" / "release.py"))
    called = {
        line.split('git("')[1].split('"')[0] for line in source.splitlines() if 'git("' in line
    }
    assert called == {"branch", "status", "tag", "rev-list", "rev-parse", "log"}
    assert source.count("subprocess.") == 2


def test_it_needs_the_standard_library_alone() -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(ROOT / "scripts" / "release.py"), "--help"],
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    assert "nothing is ever pushed" in done.stdout
