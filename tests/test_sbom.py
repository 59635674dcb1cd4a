"""The bill of materials and the licences: whole, true to the locks, the same every time."""

import hashlib
import importlib.util
import json
import re
import subprocess
import sys
import zipfile
from email.message import Message
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
spec = importlib.util.spec_from_file_location("sbom", ROOT / "scripts" / "sbom.py")
assert spec is not None and spec.loader is not None
sbom = importlib.util.module_from_spec(spec)
spec.loader.exec_module(sbom)


@pytest.fixture
def licensed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Licences as if every extra were installed, which `make test` doesn't need."""
    monkeypatch.setattr(sbom, "licence", lambda name, version: "MIT")
    monkeypatch.setattr(sbom, "needs", lambda name, known: [])


def test_every_bundled_file_of_others_has_its_licence_in_third_party_md() -> None:
    assert sbom.NOTICES.read_text("utf-8") == sbom.notices(), "run scripts/sbom.py --table"
    text = sbom.NOTICES.read_text("utf-8")
    for path, _, whence, _, terms in sbom.bundled():
        assert (ROOT / path).is_file()
        assert f"| `{path}` |" in text and f"| {whence} | {terms} |" in text
        section = f"## {path}" if path.startswith("data/") else "## guide/fonts"
        assert f"\n{section}\n" in text, "its terms, in full or where they are"


def test_no_bundled_file_is_of_unknown_origin(tmp_path: Path) -> None:
    assert sbom.untold() == []
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "cities.txt").touch()
    (tmp_path / "data" / "names.txt").touch()
    assert sbom.untold(tmp_path) == ["data/cities.txt"]


def test_a_font_of_unknown_origin_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = {"faces": {"sans": {"file": "sans.woff2", "package": "other 1.0 (npm)"}}}
    (tmp_path / "fonts.manifest.json").write_text(json.dumps(manifest))
    monkeypatch.setattr(sbom, "FONTS", tmp_path)
    with pytest.raises(SystemExit, match="made from other: name it"):
        sbom.bundled()


def test_no_shipped_source_has_a_notice_of_others() -> None:
    """A module taken from elsewhere brings such a line, and would need one in ``BUNDLED``."""
    notice = re.compile(rb"@license|@preserve|SPDX-License|Copyright \(c\)|\(c\) Copyright", re.I)
    told = {row[0] for row in sbom.bundled()} | {"guide/fonts/OFL.txt"}
    for folder in ("src", "data", "ladder", "guide"):
        for path in (ROOT / folder).rglob("*"):
            inside = path.relative_to(ROOT)
            if inside.parts[:2] in (("guide", "site"), ("guide", "vendor-local")):
                continue  # made or fetched, not in the repository
            if path.suffix in {".py", ".js", ".mjs", ".css", ".c", ".h", ".html", ".txt"}:
                found = notice.search(path.read_bytes())
                assert not found or inside.as_posix() in told, f"{inside}: {found}"


@pytest.mark.usefixtures("licensed")
def test_the_bill_holds_the_locks_and_what_is_bundled() -> None:
    made = sbom.bill()
    assert (made["bomFormat"], made["specVersion"], made["version"]) == ("CycloneDX", "1.6", 1)
    assert re.fullmatch("urn:uuid:[0-9a-f-]{36}", made["serialNumber"])
    refs = [each["bom-ref"] for each in made["components"]]
    assert len(set(refs)) == len(refs)
    by_purl = {each["purl"]: each for each in made["components"] if each["type"] == "library"
               and "purl" in each}  # fmt: skip
    seen = set()
    for lock in ("base", "grader", "guide", "export", "dev"):
        text = (ROOT / "requirements" / f"{lock}.txt").read_text("utf-8")
        for name, version in re.findall(r"^([\w.-]+)==([^\s;]+)", text, re.MULTILINE):
            each = by_purl[f"pkg:pypi/{sbom.normal(name)}@{version}"]
            block = text.split(f"\n{name}=={version}")[1].split("\n")
            expected = [line for line in block[1:] if line.startswith("    --hash")]
            assert len(each["hashes"]) >= 1 and f"sha256:{each['hashes'][0]['content']}" in text
            if lock == "base":
                assert each["scope"] == "required"
                assert expected[0].split(":")[1].split(" ")[0] in str(each["hashes"])
            seen.add(each["purl"])
    assert seen == set(by_purl), "nothing else is told to be a library"
    files = {each["name"]: each for each in made["components"] if each["type"] == "file"}
    for path, *_ in sbom.bundled():
        content = hashlib.sha256((ROOT / path).read_bytes()).hexdigest()
        assert files[path]["hashes"] == [{"alg": "SHA-256", "content": content}]
    wasm = json.loads((ROOT / "guide" / "js" / "kernel.manifest.json").read_text("utf-8"))
    assert files["microgpt kernel, WebAssembly"]["hashes"][0]["content"] == wasm["sha256"]
    assert all(each["licenses"] for each in made["components"])
    known = {*refs, made["metadata"]["component"]["bom-ref"]}
    assert {edge["ref"] for edge in made["dependencies"]} <= known
    assert {ref for edge in made["dependencies"] for ref in edge.get("dependsOn", [])} <= known
    assert not re.search(r"https?://(?!cyclonedx\.org/schema)", json.dumps(made))


@pytest.mark.usefixtures("licensed")
def test_the_same_release_has_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    first, second = tmp_path / "1", tmp_path / "2"
    for folder in (first, second):
        folder.mkdir()
        sbom.write(folder)
    names = sorted(path.name for path in first.iterdir())
    assert names == ["LICENCES.md", f"microgpt-{version()}.cdx.json"]
    for name in names:
        content = (first / name).read_bytes()
        assert content == (second / name).read_bytes()
        assert str(ROOT).encode() not in content and b"timestamp" not in content
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    assert sbom.bill()["metadata"]["timestamp"] == "1970-01-02T00:00:00Z"
    table = (first / "LICENCES.md").read_text("utf-8")
    assert "| numpy | " in table and "| every install |" in table
    assert "where sys_platform == 'win32'" in table
    assert table.endswith(sbom.table())


def version() -> str:
    import microgpt

    return microgpt.__version__


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ([("License-Expression", "MIT AND 0BSD"), ("License", "other")], "MIT AND 0BSD"),
        ([("Classifier", "License :: OSI Approved :: MIT License")], "MIT"),
        (
            [("License", "Apache 2.0"),
             ("Classifier", "License :: OSI Approved :: Apache Software License")],
            "Apache-2.0",
        ),
        ([("License", "BSD-3-Clause and Public-Domain")], "BSD-3-Clause and Public-Domain"),
        ([("Classifier", "License :: OSI Approved :: BSD License")], None),
        ([("License", "a whole text\nof many lines")], None),
        ([], None),
    ],
)  # fmt: skip
def test_a_licence_is_taken_from_what_a_package_states(
    fields: list[tuple[str, str]], expected: str | None
) -> None:
    metadata = Message()
    for name, value in fields:
        metadata[name] = value
    assert sbom.stated_in(metadata) == expected


def test_a_package_whose_licence_is_not_known_ends_it() -> None:
    with pytest.raises(SystemExit, match=r"numpy 0\.1 is pinned and .* installed"):
        sbom.licence("numpy", "0.1")
    with pytest.raises(SystemExit, match="gone 1 is pinned and none installed"):
        sbom.licence("gone", "1")


def test_licences_as_the_format_has_them() -> None:
    assert sbom.licences("MIT") == [{"license": {"id": "MIT"}}]
    assert sbom.licences("MIT AND 0BSD") == [{"expression": "MIT AND 0BSD"}]
    assert sbom.licences("some terms") == [{"license": {"name": "some terms"}}]


@pytest.mark.slow
def test_the_wheel_holds_its_bill(tmp_path: Path) -> None:
    import os

    bill = tmp_path / "microgpt.cdx.json"
    bill.write_text("{}")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "out")],
        cwd=ROOT,
        env={**os.environ, "MICROGPT_NO_KERNEL": "1", "MICROGPT_SBOM": str(bill)},
        check=True,
        capture_output=True,
    )
    (wheel,) = (tmp_path / "out").iterdir()
    with zipfile.ZipFile(wheel) as archive:
        folder = f"microgpt-{version()}.dist-info/sboms"
        assert archive.read(f"{folder}/{bill.name}") == b"{}"
        assert "microgpt/share/requirements/grader.txt" in archive.namelist()
