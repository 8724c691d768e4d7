"""SHA256SUMS: the checksums of the migrations, which tell an edited file in git.

The format is that of coreutils: `sha256sum --check SHA256SUMS` reads it as well.
"""

import hashlib
import re
from pathlib import Path

from dal.errors import ConfigurationError
from dal.places import refuse_installed

NAME = "SHA256SUMS"
_LINE = re.compile(r"([0-9a-f]{64})  (\S+)")


def checksum(path: Path) -> str:
    """A file's SHA-256; the line endings that git may change don't count."""
    return hashlib.sha256(path.read_bytes().replace(b"\r\n", b"\n")).hexdigest()


def recorded(folder: Path) -> dict[str, str]:
    """The checksum of each file that the manifest names; nothing if there is no manifest."""
    return {found[2]: found[1] for line in _lines(folder) if (found := _LINE.fullmatch(line))}


def garbled(folder: Path) -> list[int]:
    """The numbers of the manifest's lines that are none, as an unfinished merge leaves them."""
    return [number for number, line in enumerate(_lines(folder), 1) if not _LINE.fullmatch(line)]


def _lines(folder: Path) -> list[str]:
    manifest = folder / NAME
    if not manifest.is_file():
        return []
    return manifest.read_text(encoding="utf-8", errors="replace").splitlines()


def freeze(folder: Path) -> list[str]:
    """Add the migrations that the manifest does not name yet, and return their files' names.

    A line that is there is never rewritten: whoever must change a frozen file, because it was
    applied nowhere, takes its line out by hand, where a reviewer sees it.

    Raises:
        ConfigurationError: a frozen file was edited or removed, or the folder is that of an
            installed dal.
    """
    refuse_installed(folder)
    if lines := garbled(folder):
        raise ConfigurationError(f"{NAME}, line {lines[0]}: is no checksum and name; restore it")
    frozen = recorded(folder)
    found = {path.name: checksum(path) for path in sorted(folder.glob("*.sql"))}
    changed = sorted(name for name in frozen if found.get(name) != frozen[name])
    if changed:
        raise ConfigurationError(
            f"{', '.join(changed)}: edited or removed since {NAME} froze it; restore it, or take"
            f" its line out of {NAME} if no database has it"
        )
    added = sorted(found.keys() - frozen.keys())
    text = "".join(f"{value}  {name}\n" for name, value in sorted((frozen | found).items()))
    (folder / NAME).write_text(text, encoding="utf-8")
    return added
