"""What the site that hosts the repository reads: CITATION.cff, templates and workflows."""

import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
CITATION = (ROOT / "CITATION.cff").read_text("utf-8")


# ---------------------------------------------------------------- citation


def field(name: str) -> str:
    """The value of a top-level key that has its value on the same line."""
    (value,) = re.findall(rf"^{name}: (.+)$", CITATION, re.MULTILINE)
    return value


def test_the_citation_says_what_pyproject_says() -> None:
    """Read as text, so that this runs where no YAML parser is installed."""
    assert field("cff-version") == "1.2.0"
    assert field("title") == PROJECT["name"]
    assert field("version") == PROJECT["version"]
    assert field("license") == PROJECT["license"]
    (author,) = PROJECT["authors"]
    assert f"\nauthors:\n  - name: {author['name'].capitalize()}\n" in CITATION
    listed = CITATION.split("\nkeywords:\n")[1].split("\nreferences:")[0]
    assert [line.removeprefix("  - ") for line in listed.splitlines()] == PROJECT["keywords"]


def test_the_citation_has_what_the_format_asks_for(require: Callable[[str], Any]) -> None:
    cited = require("yaml").safe_load(CITATION)
    assert {"cff-version", "message", "title", "authors"} <= set(cited)
    (reference,) = cited["references"]
    assert {"type", "title", "authors"} <= set(reference)
    # An address that readers of the README are given, and none that nobody registered.
    assert f"]({reference['url']})" in (ROOT / "README.md").read_text("utf-8")
    assert "doi" not in CITATION


# ---------------------------------------------------------------- templates


FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("[0-9]-*.yml"))


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_an_issue_form_can_be_shown(path: Path, require: Callable[[str], Any]) -> None:
    """A form with a field that the hosting site doesn't take isn't offered at all."""
    form = require("yaml").safe_load(path.read_text("utf-8"))
    assert set(form) == {"name", "description", "body"}
    ids = [field["id"] for field in form["body"]]
    assert len(set(ids)) == len(ids)
    for field in form["body"]:
        assert field["type"] in ("input", "textarea")
        assert field["attributes"]["label"]
        assert set(field["attributes"]) <= {"label", "description", "placeholder", "render"}
        assert field["type"] == "textarea" or "render" not in field["attributes"]
        assert set(field.get("validations", {"required": True})) == {"required"}
    assert any(field.get("validations") for field in form["body"])


def test_a_fault_is_told_with_what_is_needed_to_find_it(require: Callable[[str], Any]) -> None:
    assert [path.stem for path in FORMS] == ["1-fault", "2-guide", "3-question"]
    form = require("yaml").safe_load(FORMS[0].read_text("utf-8"))
    assert [field["id"] for field in form["body"]] == ["command", "came", "expected", "doctor"]
    assert all(field["validations"]["required"] for field in form["body"])


def test_commands_in_the_templates_are_commands() -> None:
    """What people are asked to run is there: `make` targets and subcommands of microgpt."""
    targets = (ROOT / "Makefile").read_text("utf-8")
    commands = {path.stem for path in (ROOT / "src" / "microgpt" / "cli").glob("*.py")}
    asked = "".join(path.read_text("utf-8") for path in FORMS)
    asked += (ROOT / ".github" / "pull_request_template.md").read_text("utf-8")
    named = re.findall(r"`(make|microgpt) ([a-z-]+)`", asked)
    assert {"make", "microgpt"} == {program for program, _ in named}
    for program, word in named:
        assert re.search(rf"^\.PHONY:.* {word} ", targets, re.M) or program == "microgpt"
        assert word in commands or program == "make"


# ---------------------------------------------------------------- workflows


WORKFLOWS = {path.stem: path for path in (ROOT / ".github" / "workflows").iterdir()}
# What a job may do beyond reading the repository, by workflow and job.
MAY = {
    ("publish-site", "deploy"): {"pages": "write", "id-token": "write"},
    ("publish-wheels", "publish"): {"id-token": "write"},
}
# The workflows that a maintainer turns on, by this variable of the repository.
OFF = {"publish-site": "PUBLISH_SITE", "publish-wheels": "PUBLISH_WHEELS"}


@pytest.fixture(params=sorted(WORKFLOWS))
def workflow(request: pytest.FixtureRequest, require: Callable[[str], Any]) -> dict[Any, Any]:
    """One workflow; its key ``on`` is True, as YAML 1.1 reads that word."""
    text = WORKFLOWS[request.param].read_text("utf-8")
    return {"file": request.param, "text": text, **require("yaml").safe_load(text)}


def steps(workflow: dict[Any, Any]) -> list[dict[str, Any]]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


def test_there_are_these_workflows() -> None:
    assert set(WORKFLOWS) == {"checks", *OFF}


def test_a_workflow_may_do_what_it_must_and_nothing_more(workflow: dict[Any, Any]) -> None:
    assert workflow["permissions"] == {"contents": "read"}
    for name, job in workflow["jobs"].items():
        assert job.get("permissions", {}) == MAY.get((workflow["file"], name), {})
        assert job["timeout-minutes"] <= 90
    assert not re.search(
        r"\bsecrets\b[.\[]|password:|(?<!id-)token:|pull_request_target", workflow["text"]
    )
    for step in steps(workflow):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"] == {"persist-credentials": False}
        # What somebody else may choose, such as the name of a branch, never becomes shell.
        assert "${{" not in step.get("run", "")


def test_actions_are_pinned_to_a_commit_whose_version_is_told(workflow: dict[Any, Any]) -> None:
    used = {step["uses"] for step in steps(workflow) if "uses" in step}
    told = re.findall(r"uses: (\S+@[0-9a-f]{40}) # v\d+\.\d+\.\d+$", workflow["text"], re.M)
    assert used == set(told)


def test_an_action_has_one_version_everywhere() -> None:
    text = "".join(path.read_text("utf-8") for path in WORKFLOWS.values())
    found = dict(re.findall(r"uses: (\S+)@(\S+ # v\S+)$", text, re.M))
    assert {f"{name}@{pin}" for name, pin in found.items()} == set(
        re.findall(r"uses: (\S+@\S+ # v\S+)$", text, re.M)
    )


def test_a_workflow_calls_what_is_there(workflow: dict[Any, Any]) -> None:
    import dev

    lines = [line for step in steps(workflow) for line in step.get("run", "").splitlines()]
    assert lines
    for line in lines:
        for word in line.split():
            if "/" in word and not word.startswith((".venv/", "/")):
                assert (ROOT / word).is_file(), line
        if found := re.match(r"python scripts/dev\.py (\S+)", line):
            assert found[1] in dev.COMMANDS


def test_what_publishes_is_off_until_a_maintainer_turns_it_on(workflow: dict[Any, Any]) -> None:
    jobs = workflow["jobs"]
    assert "obody's runner has run" in " ".join(re.findall(r"^# (.*)", workflow["text"], re.M))
    if workflow["file"] not in OFF:
        return
    variable = OFF[workflow["file"]]
    assert set(workflow[True]) == {"push", "workflow_dispatch"}
    assert f"{variable} with the value true" in workflow["text"]
    first, second = jobs.values()
    assert first["if"].split(" && ")[0] == f"vars.{variable} == 'true'"
    # A job whose need was skipped is skipped, unless its condition asks for a status itself.
    assert second["needs"] == next(iter(jobs))
    assert not re.search(r"always|success|failure|cancelled", second.get("if", ""))


def test_pythons_and_systems(require: Callable[[str], Any]) -> None:
    jobs = require("yaml").safe_load(WORKFLOWS["checks"].read_text("utf-8"))["jobs"]
    told = [line.rpartition(":: ")[2] for line in PROJECT["classifiers"] if ":: 3." in line]
    newest = max(told, key=lambda version: int(version.partition(".")[2]))
    oldest = PROJECT["requires-python"].removeprefix(">=")
    for job in jobs.values():
        assert job["strategy"]["matrix"]["python"] == [oldest, newest]
    everything, quick = jobs.values()
    assert everything["runs-on"].startswith("ubuntu-")
    assert everything["steps"][-1]["run"] == "bash .ci/run"
    systems = [name.partition("-")[0] for name in quick["strategy"]["matrix"]["system"]]
    assert systems == ["macos", "windows"]
    assert quick["steps"][-1]["run"] == "python scripts/dev.py test"
