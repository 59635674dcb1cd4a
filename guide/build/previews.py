"""The picture that a link to a page brings along where people talk: og:image in its head.

The pictures are in guide/img/previews; scripts/make_previews.py takes them, by hand. A page that
has none brings that of the whole guide. Their addresses are relative: ``microgpt guide --export
--address`` makes them whole, which is what most programs that show previews ask for.
"""

from __future__ import annotations

import json
from pathlib import Path

import checking
import sitemap

GUIDE = Path(__file__).resolve().parent.parent
FOLDER = GUIDE / "img" / "previews"
MADE = FOLDER / "made.json"  # of what each was made
WIDTH, HEIGHT = 1200, 630
WHOLE = "index"  # the page whose picture stands for the guide


def name_of(page: str) -> str:
    """The name of a page's picture: learn/attention has learn-attention.png."""
    return page.replace("/", "-")


def pictures() -> dict[str, dict[str, str]]:
    """The pages that have a picture, with what it shows and the checksum of its still, if any."""
    made: dict[str, dict[str, str]] = json.loads(MADE.read_text(encoding="utf-8"))
    return made


def put(text: str, page: sitemap.Page, up: str) -> str:
    """A built page with the address of its picture."""
    known = pictures()
    name = page.page if page.page in known else WHOLE
    path = FOLDER / f"{name_of(name)}.png"
    if not path.is_file():
        raise checking.Problem(f"{path.name} is missing: python scripts/make_previews.py {name}")
    lines = {
        "og:image": f"{up}img/previews/{path.name}",
        "og:image:type": "image/png",
        "og:image:width": str(WIDTH),
        "og:image:height": str(HEIGHT),
        "og:image:alt": known[name]["shows"],
    }
    metas = [f'<meta property="{key}" content="{value}">' for key, value in lines.items()]
    metas.append('<meta name="twitter:card" content="summary_large_image">')
    return text.replace("<!-- preview -->", "\n".join(metas))
