"""Colab is offered in README and on learn/run while a repository is named, and not before."""

import base64
import json
import re
import zlib
from pathlib import Path
from typing import Any

import pytest

import colab
import notebook
from guide_pages import ROOT

WHERE = "https://colab.research.google.com/github/someone/gpt/blob/main/"
WHERE += "guide/downloads/microgpt.ipynb"
README = (ROOT / "README.md").read_text(encoding="utf-8")
AGAIN = "run: python guide/build/colab.py"


def settings(folder: Path, repository: str | None) -> Path:
    """This project's pyproject.toml with another Repository, or without one."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    text = re.sub(r"^\[project\.urls\]\n(?:.+\n)*", "", text, flags=re.M)
    if repository is not None:
        text += f'\n[project.urls]\nRepository = "{repository}"\n'
    path = folder / "pyproject.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("repository", "where"),
    [
        (None, None),
        ("https://github.com/someone/gpt", WHERE),
        ("https://github.com/someone/gpt.git", WHERE),
        ("https://www.github.com/someone/gpt/", WHERE),
        ("https://gitlab.com/someone/gpt", None),
        ("https://github.com.example.org/someone/gpt", None),
    ],
)
def test_the_address_follows_from_the_one_setting(
    tmp_path: Path, repository: str | None, where: str | None
) -> None:
    assert colab.address(settings(tmp_path, repository)) == where


@pytest.mark.parametrize("repository", ["https://github.com/someone", "https://github.com/a/b/c"])
def test_an_address_on_github_without_a_repository_is_refused(
    tmp_path: Path, repository: str
) -> None:
    with pytest.raises(ValueError, match=r"must be https://github\.com/OWNER/NAME"):
        colab.address(settings(tmp_path, repository))


def test_what_the_address_names_is_in_the_repository() -> None:
    assert WHERE.endswith(f"/blob/main/{colab.NOTEBOOK}") and (ROOT / colab.NOTEBOOK).is_file()


def test_readme_says_what_the_setting_says() -> None:
    assert colab.in_readme(README, colab.address()) == README, AGAIN
    assert ("colab.research" in README) == (colab.address() is not None)


def test_readme_gains_one_block_and_loses_it_again() -> None:
    without = colab.in_readme(README, None)
    assert "colab.research" not in without and colab.BEGIN not in without
    offered = colab.in_readme(without, WHERE)
    assert offered.count(f"]({WHERE})") == 1
    assert offered.index(WHERE) < offered.index("## What is here")
    other = colab.in_readme(offered, WHERE.replace("someone", "another"))
    assert other.count("colab.research") == 1 and "/another/" in other
    assert colab.in_readme(offered, WHERE) == offered
    assert colab.in_readme(other, None) == without
    with pytest.raises(ValueError, match="must have the heading '## What is here' once"):
        colab.in_readme("# microgpt\n", WHERE)


def test_the_page_has_one_place_for_it() -> None:
    page = (ROOT / "guide" / "pages" / "learn" / "run.md").read_text(encoding="utf-8")
    assert page.count(f"\n\n{colab.PLACE}\n\n") == 1
    assert colab.PLACE in page.partition("## A notebook")[2].partition("\n## ")[0]
    assert f'<a href="{WHERE}">Open it in Colab</a>' in colab.in_page(page, WHERE)
    assert "colab.research" not in colab.in_page(page, None)
    assert colab.PLACE not in colab.in_page(page, None)


def unpacked(text: str) -> list[Any]:
    """The cells; of the names what is packed, since zlib packs differently on other systems."""
    cells = json.loads(text)["cells"]
    for cell in cells:
        found = re.search(r'packed = """\n(.*?)"""', "".join(cell["source"]), re.S)
        if found:
            cell["source"] = zlib.decompress(base64.b64decode(found[1])).decode()
    return cells


def test_the_committed_notebook_is_what_the_build_makes() -> None:
    kept = (ROOT / colab.NOTEBOOK).read_text(encoding="utf-8")
    assert unpacked(kept) == unpacked(notebook.text()), AGAIN
    assert any(str(cell["source"]).startswith("emma\nolivia\n") for cell in unpacked(kept))
    changed = kept.replace("stop_after = 1000", "stop_after = 999")
    assert unpacked(changed) != unpacked(notebook.text())


@pytest.mark.slow
def test_the_built_page_offers_it_in_one_of_both_states(
    guide_site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import assemble

    page = "learn/run/index.html"
    own = (guide_site / page).read_text(encoding="utf-8")
    is_set = colab.address() is not None
    assert (">Open it in Colab</a>" in own) == is_set
    other = None if is_set else "https://github.com/someone/gpt"
    monkeypatch.setattr(colab, "PYPROJECT", settings(tmp_path, other))
    assemble.build(tmp_path / "site")
    built = (tmp_path / "site" / page).read_text(encoding="utf-8")
    assert built.count(f'<a href="{WHERE}">Open it in Colab</a>') == (0 if is_set else 1)
    assert (">Open it in Colab</a>" in built) != is_set
    assert colab.PLACE not in own + built
