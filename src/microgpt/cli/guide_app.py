"""The exported guide as an app: what a browser needs to install it and to keep it for offline use.

Nothing of it is in the site that ``microgpt guide`` serves: there another program may have the
same address tomorrow.
"""

from __future__ import annotations

import hashlib
import json
import re

WORKER = "js/site/offline.js"  # the program; what it keeps is written in front of it
LEFT_OUT = ("embed/", "img/previews/")  # for others' pages
ICONS = ("img/icon.svg", "img/icon-192.png", "img/icon-512.png")


def with_app(files: dict[str, bytes]) -> dict[str, bytes]:
    """A site's files, with a manifest, a worker and what names the manifest in every page.

    The worker's version is that of all the files: another site makes another cache.
    """
    if WORKER not in files:
        return files
    made = dict(files)
    for name, content in files.items():
        if name.endswith("index.html") and not name.startswith(LEFT_OUT):
            link = f'<link rel="manifest" href="{"../" * name.count("/")}manifest.webmanifest">'
            made[name] = re.sub(rb"</head>", f"{link}\n</head>".encode(), content, count=1)
    made["manifest.webmanifest"] = _manifest(files)
    kept = sorted(name for name in made if not name.startswith(LEFT_OUT))
    digest = hashlib.sha256()
    for name in kept:
        digest.update(f"{name}\0".encode() + hashlib.sha256(made[name]).digest())
    site = {
        "version": digest.hexdigest()[:16],
        "files": [re.sub(r"(^|/)index\.html$", r"\1", name) or "./" for name in kept],
    }
    made["sw.js"] = f"self.SITE = {json.dumps(site)};\n".encode() + files[WORKER]
    return made


def _manifest(files: dict[str, bytes]) -> bytes:
    kinds = {"svg": ("image/svg+xml", "any"), "192": ("image/png", "192x192")}
    icons = []
    for name in ICONS:
        if name in files:
            kind, sizes = kinds.get(
                "svg" if name.endswith("svg") else "192" if "192" in name else "",
                ("image/png", "512x512"),
            )
            icons.append({"src": name, "type": kind, "sizes": sizes, "purpose": "any"})
    return json.dumps(
        {
            "name": "microgpt: a whole GPT to take apart",
            "short_name": "microgpt",
            "start_url": "./",
            "scope": "./",
            "display": "standalone",
            "background_color": "#fcfbf8",
            "theme_color": "#23262b",
            "icons": icons,
        },
        indent=1,
    ).encode()
