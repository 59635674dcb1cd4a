"""What a release is made of: a bill of materials (CycloneDX 1.6) and a table of licences.

    python scripts/sbom.py FOLDER     # writes both into it; `dev.py wheel` and `wheels` do that too
    python scripts/sbom.py --table    # puts the table of what is bundled into THIRD_PARTY.md

Two kinds of parts are in it. Libraries, which pip installs beside microgpt: name, version and the
hashes of their files from requirements/, the licence from what is installed. And other people's
files that are bundled, in ``BUNDLED``. What is our own needs no line, but a file whose origin isn't
stated here fails a test. It needs nothing but Python; the same inputs make the same bytes.
"""

import fnmatch
import hashlib
import importlib.metadata
import json
import os
import re
import sys
import time
import tomllib
import uuid
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NOTICES = ROOT / "THIRD_PARTY.md"
FONTS = ROOT / "guide" / "fonts"
NATIVE = ROOT / "src" / "microgpt" / "engines" / "native"
LOCKS = ("base", "grader", "guide", "export", "dev")  # the base install, then what each extra adds

# Which bundled files come from other people: file, what it is, from where (in words, and as a
# package URL where there is one), licence: an SPDX expression, or its name where SPDX has none.
BUNDLED = (
    ("data/names.txt", "given names", "karpathy/makemore", "pkg:github/karpathy/makemore", "MIT"),
    (
        "data/shakespeare.txt",
        "passages of Shakespeare's plays",
        "karpathy/char-rnn",
        "pkg:github/karpathy/char-rnn",
        "public domain",
    ),
    (
        "data/fruits.toml",
        "34 of its words",
        "WordNet 3.1, Princeton University",
        None,
        "WordNet 3.1 license",
    ),
    (
        "data/fruits.toml",
        "4 of its words",
        "dariusk/corpora",
        "pkg:github/dariusk/corpora",
        "CC0-1.0",
    ),
)
# Fonts are taken from the manifest that make_fonts.py writes: what was in each package.
FACES = {
    "inter-ui": "Inter",
    "source-serif": "Source Serif 4",
    "source-code-pro": "Source Code Pro",
    "ziamath": "STIX Two Math",
}
OFL = "OFL-1.1"
# What is ours, in folders that hold other people's files too.
OURS = (
    "data/README.md",
    "data/*.json",
    "data/words.txt",  # Shakespeare's words, in the public domain; the list is ours
    "data/dinosaurs.txt",
    "data/kit/*",
    "data/teacher/*",
    "guide/fonts/OFL.txt",
    "guide/fonts/fonts.manifest.json",
)
# Where the metadata says less than the licence text in the package, or isn't on every system.
STATED = {"colorama": "BSD-3-Clause", "jinja2": "BSD-3-Clause"}
CLASSIFIERS = {
    "Apache Software License": "Apache-2.0",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}
SPDX = {
    *("0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC", "MIT", "MPL-2.0"),
    *("OFL-1.1", "PSF-2.0", "Unlicense", "Zlib"),
}


# ---------------------------------------------------------------- libraries


def locked():
    """Every package of the locks: its name to version, marker, hashes and the locks it is in.

    The lock ``dev`` holds the build's tools as well.
    """
    found = {}
    for lock in LOCKS:
        text = (ROOT / "requirements" / f"{lock}.txt").read_text(encoding="utf-8")
        for block in re.split(r"\n(?=[a-z0-9])", text)[1:]:
            name, version, marker = re.match(
                r"([\w.-]+)==([^\s;]+)(?: ; ([^\\]*))?", block
            ).groups()
            entry = {
                "name": name,
                "version": version,
                "marker": (marker or "").strip(),
                "hashes": sorted(re.findall(r"--hash=sha256:([0-9a-f]{64})", block)),
                "locks": [],
            }
            found.setdefault(normal(name), entry)["locks"].append(lock)
    return found


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def licence(name, version):
    """The licence that an installed package states; ends the program if it can't be known."""
    if name in STATED:
        return STATED[name]
    try:
        metadata = importlib.metadata.metadata(name)
    except importlib.metadata.PackageNotFoundError:
        metadata = {"Version": "none"}
    if metadata["Version"] != version:
        sys.exit(
            f"{name} {version} is pinned and {metadata['Version']} installed, so its licence isn't "
            "known. Set .venv up with --dev --grader --guide --export; or, if it is for another "
            "system only, state its licence in scripts/sbom.py."
        )
    told = stated_in(metadata)
    if told is None:
        sys.exit(f"{name} {version} states no licence: read it and state it in scripts/sbom.py.")
    return told


def stated_in(metadata):
    """The licence in a distribution's metadata: as an expression, else by classifier, else words.

    None where there is none, or only one of several that share a name ("BSD License").
    """
    if metadata.get("License-Expression"):
        return metadata["License-Expression"]
    classified = {
        CLASSIFIERS[last]
        for each in metadata.get_all("Classifier") or []
        if (last := each.rpartition(" :: ")[2]) in CLASSIFIERS
    }
    if classified:
        return " AND ".join(sorted(classified))
    words = (metadata.get("License") or "").strip()
    return words if words and "\n" not in words else None


def needs(name, known):
    """The packages among ``known`` that an installed one asks for without an extra."""
    try:
        asked = importlib.metadata.requires(name) or []
    except importlib.metadata.PackageNotFoundError:
        return []
    names = {normal(re.match(r"[\w.-]+", line)[0]) for line in asked if "extra ==" not in line}
    return sorted(names & set(known))


# ---------------------------------------------------------------- what is bundled


def bundled():
    """Rows of files, what they are, from where, package URL, licence."""
    faces = json.loads((FONTS / "fonts.manifest.json").read_text(encoding="utf-8"))["faces"]
    rows = list(BUNDLED)
    for face in faces.values():
        name, version, kind = re.fullmatch(r"(\S+) (\S+) \((\w+)\)", face["package"]).groups()
        if name not in FACES:
            sys.exit(f"guide/fonts/{face['file']} is made from {name}: name it in scripts/sbom.py.")
        purl = f"pkg:{kind.lower()}/{name}@{version}"
        whence = f"{FACES[name]} ({kind}: {name} {version})"
        rows.append((f"guide/fonts/{face['file']}", "a font, reduced", whence, purl, OFL))
    return rows


def table():
    """The rows of ``bundled`` for THIRD_PARTY.md."""
    lines = ["| file | what | from | licence |", "|---|---|---|---|"]
    lines += [f"| `{f}` | {what} | {whence} | {terms} |" for f, what, whence, _, terms in bundled()]
    return "\n".join(lines) + "\n"


BEGIN, END = "<!-- made by scripts/sbom.py --table -->\n\n", "\n<!-- end -->"


def notices():
    """THIRD_PARTY.md with the table as it should be."""
    text = NOTICES.read_text(encoding="utf-8")
    if BEGIN not in text or END not in text:
        sys.exit(f"THIRD_PARTY.md has no {BEGIN.strip()} and {END.strip()}")
    return text.partition(BEGIN)[0] + BEGIN + table() + END + text.partition(END)[2]


def untold(root=ROOT):
    """Bundled files of which neither ``BUNDLED`` nor ``OURS`` says whose they are."""
    told = [*OURS, *(row[0] for row in bundled())]
    folders = [root / "data", root / "guide" / "fonts"]
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    names = sorted(path.relative_to(root).as_posix() for path in files)
    return [
        name
        for name in names
        if "__pycache__" not in name and not any(fnmatch.fnmatch(name, each) for each in told)
    ]


def ours():
    """Parts of our own that are shipped as files: name and files."""
    kernel = [*sorted((NATIVE / "kernel").glob("*.[ch]"))]
    return [
        ("microgpt kernel, source", kernel),
        ("microgpt kernel, WebAssembly", [ROOT / "guide" / "js" / "kernel.wasm"]),
        ("microgpt guide, JavaScript", sorted(scripts())),
        ("microgpt words", [ROOT / "data" / "words.txt", ROOT / "data" / "dinosaurs.txt"]),
    ]


def scripts():
    """The guide's modules as they ship; no module by others is among them."""
    for folder in ("js", "widgets"):
        for path in (ROOT / "guide" / folder).rglob("*.js"):
            if not {"test", "node_modules", "vendor-local"} & set(path.parts):
                yield path


def digest(files):
    """SHA-256 of one file; of several, that of their names and digests, one per line."""
    parts = [hashlib.sha256(path.read_bytes()).hexdigest() for path in files]
    if len(files) == 1:
        return parts[0]
    lines = [
        f"{part}  {path.relative_to(ROOT).as_posix()}\n"
        for part, path in zip(parts, files, strict=True)
    ]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


# ---------------------------------------------------------------- the two files


def licences(terms):
    """A licence as CycloneDX writes it: an SPDX id, an expression of such, or a name."""
    if terms in SPDX:
        return [{"license": {"id": terms}}]
    if all(word in SPDX for word in re.split(r" (?:AND|OR) ", terms)):
        return [{"expression": terms}]
    return [{"license": {"name": terms}}]


def sha256(*digests):
    return [{"alg": "SHA-256", "content": digest} for digest in digests]


def properties(**values):
    return [{"name": f"microgpt:{name}", "value": value} for name, value in values.items() if value]


def bill():
    """The bill of materials as a dictionary."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    packages = locked()
    root = f"pkg:pypi/microgpt@{project['version']}"
    purls = {name: f"pkg:pypi/{name}@{each['version']}" for name, each in packages.items()}
    components = [
        {
            "type": "library",
            "bom-ref": purls[name],
            "name": each["name"],
            "version": each["version"],
            "scope": "required" if "base" in each["locks"] else "optional",
            "hashes": sha256(*each["hashes"]),
            "licenses": licences(licence(name, each["version"])),
            "purl": purls[name],
            "properties": properties(
                extra="" if "base" in each["locks"] else ", ".join(each["locks"]),
                marker=each["marker"],
            ),
        }
        for name, each in sorted(packages.items())
    ]
    for number, (path, what, whence, purl, terms) in enumerate(bundled(), 1):
        components.append(
            {
                "type": "file",
                "bom-ref": f"bundled-{number}",
                "name": path,
                "description": f"{what}, from {whence}",
                "hashes": sha256(digest([ROOT / path])),
                "licenses": licences(terms),
                **({"purl": purl} if purl else {}),
            }
        )
    for name, files in ours():
        components.append(
            {
                "type": "file" if len(files) == 1 else "library",
                "bom-ref": name.replace(", ", "-").replace(" ", "-").lower(),
                "name": name,
                "version": project["version"],
                "hashes": sha256(digest(files)),
                "licenses": licences(project["license"]),
                "properties": properties(files=str(len(files))),
            }
        )
    for each in components:
        if each.get("properties") == []:
            del each["properties"]
    # PyTorch is in no lock and no release; each user installs the one for their machine.
    extras = [lines for name, lines in project["optional-dependencies"].items() if name != "torch"]
    asked = [*project["dependencies"], *(line for extra in extras for line in extra)]
    direct = {normal(re.match(r"[\w.-]+", line)[0]) for line in asked}
    inside = [each["bom-ref"] for each in components if each["bom-ref"] not in purls.values()]
    graph = {root: sorted(purls[name] for name in direct) + inside}
    graph |= {purls[name]: [purls[n] for n in needs(name, packages)] for name in sorted(packages)}
    made = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "lifecycles": [{"phase": "build"}],
            "component": {
                "type": "library",
                "bom-ref": root,
                "name": "microgpt",
                "version": project["version"],
                "description": project["description"],
                "licenses": licences(project["license"]),
                "purl": root,
            },
        },
        "components": components,
        "dependencies": [
            {"ref": ref, **({"dependsOn": on} if on else {})} for ref, on in graph.items()
        ],
    }
    when = os.environ.get("SOURCE_DATE_EPOCH")
    if when:  # else the bytes say nothing about the time
        moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(int(when)))
        made["metadata"] = {"timestamp": moment, **made["metadata"]}
    content = json.dumps(made, sort_keys=True)
    return {
        **made,
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'{root} {content}')}",
    }


def terms_of(component):
    (entry,) = component["licenses"]
    return entry.get("expression") or entry["license"].get("id") or entry["license"]["name"]


def licence_table(made):
    """LICENCES.md: every library with its licence and what it is for, then what is bundled."""
    root = made["metadata"]["component"]
    lines = [
        f"# Licences of microgpt {root['version']} and of what it uses",
        "",
        f"microgpt itself is under {terms_of(root)}. The libraries are no part of it: pip installs",
        "them beside it, most of them only with the extra that is named.",
        "",
        "| library | version | licence | with |",
        "|---|---|---|---|",
    ]
    for each in made["components"]:
        if each.get("purl", "").startswith("pkg:pypi/") and each["type"] == "library":
            told = {p["name"].partition(":")[2]: p["value"] for p in each.get("properties", [])}
            extra = told.get("extra", "every install")
            where = f", where {told['marker']}" if "marker" in told else ""
            lines.append(
                f"| {each['name']} | {each['version']} | {terms_of(each)} | {extra}{where} |"
            )
    lines += ["", "In microgpt's own files, of others (their terms are in THIRD_PARTY.md):", ""]
    return "\n".join(lines) + "\n" + table()


def write(folder):
    """Writes both files; returns the path of the bill."""
    made = bill()
    path = Path(folder) / f"microgpt-{made['metadata']['component']['version']}.cdx.json"
    text = json.dumps(made, indent=1, ensure_ascii=False) + "\n"
    path.write_text(text, encoding="utf-8", newline="\n")
    (path.parent / "LICENCES.md").write_text(licence_table(made), encoding="utf-8", newline="\n")
    return path


if __name__ == "__main__":
    if sys.argv[1:] == ["--table"]:
        NOTICES.write_text(notices(), encoding="utf-8", newline="\n")
    elif len(sys.argv) == 2 and Path(sys.argv[1]).is_dir():
        print(write(sys.argv[1]))
    else:
        sys.exit("usage: sbom.py FOLDER, which must exist, or sbom.py --table")
