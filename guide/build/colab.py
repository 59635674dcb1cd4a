"""Where the notebook opens in Colab: for README and the page learn/run, while there is an address.

    python guide/build/colab.py

writes guide/downloads/microgpt.ipynb and README's block anew. Colab opens notebooks that lie in a
repository on GitHub, so the notebook is committed, and the one setting is that repository: the
entry `Repository` of `[project.urls]` in pyproject.toml. While it is missing, or names another
host, neither README nor the guide says a word of Colab.
"""

import re
import tomllib
from pathlib import Path

import docstrings
import notebook

ROOT = Path(__file__).resolve().parent.parent.parent
PYPROJECT = ROOT / "pyproject.toml"
README = ROOT / "README.md"
NOTEBOOK = "guide/downloads/microgpt.ipynb"
PLACE = "<!-- colab -->"  # in the page
BEGIN, END = "<!-- colab: written by guide/build/colab.py -->", "<!-- end of colab -->"
BEFORE = "\n## What is here\n"  # the heading of README that the block stands above


def address(pyproject: Path | None = None) -> str | None:
    """Where Colab opens the notebook; None while no repository on GitHub is named.

    ValueError for an address on GitHub that names no repository.
    """
    settings = tomllib.loads((pyproject or PYPROJECT).read_text(encoding="utf-8"))
    named = settings["project"].get("urls", {}).get("Repository", "")
    if not re.match(r"https://(www\.)?github\.com(/|$)", named):
        return None
    found = re.fullmatch(r"https://(?:www\.)?github\.com/([\w.-]+)/([\w.-]+?)(?:\.git)?/?", named)
    if not found:
        raise ValueError(
            f"Repository is {named!r} in pyproject.toml, must be https://github.com/OWNER/NAME."
        )
    return f"https://colab.research.google.com/github/{found[1]}/{found[2]}/blob/main/{NOTEBOOK}"


def in_page(text: str, where: str | None) -> str:
    """The page with a link in the place for it, or without one."""
    offer = ""
    if where:
        offer = (
            f'<p><a href="{where}">Open it in Colab</a>: it runs on Google\'s machines, and shows '
            "in the browser. That takes an account there, and what you type goes to them.</p>"
        )
    return text.replace(PLACE, offer)


def in_readme(text: str, where: str | None) -> str:
    """README with the block for this address, or without one."""
    text = re.sub(f"\n{re.escape(BEGIN)}.*?{re.escape(END)}\n", "", text, flags=re.S)
    if not where:
        return text
    if text.count(BEFORE) != 1:
        raise ValueError(f"README.md must have the heading {BEFORE.strip()!r} once")
    offer = (
        f"To try it without installing anything, [open the whole GPT in Colab]({where}): one "
        "notebook, cell by cell, with the names inside it. It takes an account with Google."
    )
    return text.replace(BEFORE, f"\n{BEGIN}\n{offer}\n{END}\n{BEFORE}")


def main() -> None:
    docstrings.package()
    from microgpt.files import write_atomic

    write_atomic(ROOT / NOTEBOOK, notebook.text().encode())
    text = in_readme(README.read_text(encoding="utf-8"), address())
    write_atomic(README, text.encode())
    print(f"wrote {NOTEBOOK} and README.md, {'with' if address() else 'without'} Colab")


if __name__ == "__main__":
    main()
