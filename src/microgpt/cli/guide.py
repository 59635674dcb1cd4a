"""``microgpt guide``: the guide's site, served on this machine or written out for another one."""

from __future__ import annotations

import contextlib
import io
import threading
import webbrowser
import zipfile
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from microgpt.calling import python
from microgpt.cli.guide_server import PORT, make_server
from microgpt.errors import FileError, InputError, MissingError
from microgpt.files import file_error, sync_directory, write_atomic, write_synced
from microgpt.leftovers import hidden_folder


def guide(
    *,
    port: Annotated[
        int,
        Parameter(help=f"Port; 0 picks a free one. [{PORT}, or a free one]", show_default=False),
    ] = -1,
    host: Annotated[
        str,
        Parameter(help="Address or name to listen on, by which others may ask for the guide."),
    ] = "127.0.0.1",
    open: Annotated[bool, Parameter(help="Open it in the browser.", name="--open")] = True,
    export: Annotated[
        Path | None, Parameter(help="Write the site to this new folder or .zip file and exit.")
    ] = None,
) -> None:
    """Serve the guide on this machine until Ctrl-C, or write it out for another server.

    The guide needs no network: everything it shows is in the package and runs in the browser.
    """
    site = find_site()
    if export is not None:
        print(f"wrote {export}: {export_site(site, export)}")
        return
    if not -1 <= port <= 65535:
        raise InputError(f"--port is {port}, must be from 0 to 65535.")
    server = make_server(site, host, port)
    address = server.hosts.start
    others = ", for others at this machine's addresses" if server.hosts.everywhere else ""
    with server, contextlib.suppress(KeyboardInterrupt):
        print(f"the guide is at {address}{others}   (Ctrl-C stops it)", flush=True)
        if open:
            threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
        server.serve_forever()


def find_site() -> Path:
    """The built site: in an installed wheel, else in the checkout.

    Raises ``MissingError``, which says how to get one.
    """
    package = Path(__file__).resolve().parent.parent
    checkout = package.parent.parent
    for root in (package / "share", checkout):
        if (root / "guide" / "site" / "index.html").is_file():
            return root / "guide" / "site"
    script = checkout / "scripts" / "dev.py"
    if script.is_file():
        here = Path.cwd()
        script = script.relative_to(here) if script.is_relative_to(here) else script
        raise MissingError(
            "The guide's pages aren't built in this checkout yet.",
            f"Build and open them: {python(script, 'guide')}",
        )
    raise MissingError(
        "This installation doesn't include the guide: it was made from the sources, before the "
        "guide's pages were built.",
        "Install microgpt from a wheel, a file that ends in .whl: it includes them. Or in the "
        f"source folder: {python(Path('scripts') / 'dev.py', 'guide', '--no-open')}, stop it with "
        f"Ctrl-C, then {python('-m', 'pip', 'install', '--force-reinstall', '--no-deps', '.')}",
    )


# ---------------------------------------------------------------- writing it out


def export_site(site: Path, target: Path) -> str:
    """Write the site to a new folder or a .zip file; returns how many files and bytes.

    The addresses in it are relative: it works in any place on any server. The folder is there
    whole or not at all, even after a power cut. Raises ``FileError``.
    """
    files = sorted(path for path in site.rglob("*") if path.is_file())
    if target.suffix.lower() == ".zip":
        if target.exists():
            raise FileError(f"{target} already exists.", "Name another file for --export.")
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in files:
                # The same date for all entries: the same site makes the same file.
                entry = zipfile.ZipInfo(path.relative_to(site).as_posix(), (1980, 1, 1, 0, 0, 0))
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = 0o644 << 16
                archive.writestr(entry, path.read_bytes())
        write_atomic(target, packed.getvalue())
        return f"{len(files)} files, {len(packed.getvalue()):,} bytes"
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise FileError(f"{target} already exists.", "Name a new folder for --export.")
    try:
        missing = [each for each in (target.parent, *target.parent.parents) if not each.exists()]
        target.parent.mkdir(parents=True, exist_ok=True)
        for folder in reversed(missing):
            sync_directory(folder.parent)
        with hidden_folder(target) as folder:
            whole = folder / "site"
            _copy_synced(site, files, whole)
            if target.exists():
                target.rmdir()
            whole.rename(target)
        sync_directory(target.parent)
    except OSError as error:
        raise file_error(error, target, "write") from None
    return f"{len(files)} files, {sum(path.stat().st_size for path in files):,} bytes"


def _copy_synced(site: Path, files: list[Path], whole: Path) -> None:
    """Copy the site's ``files`` to a new folder and wait until they and their names are on disk.

    Raises ``OSError``.
    """
    folders = {whole}
    whole.mkdir()
    for path in files:
        copy = whole / path.relative_to(site)
        copy.parent.mkdir(parents=True, exist_ok=True)
        folders.update(each for each in copy.parents if each.is_relative_to(whole))
        write_synced(copy, path.read_bytes())
    for folder in folders:
        sync_directory(folder)
