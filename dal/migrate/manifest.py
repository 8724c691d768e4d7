"""SHA256SUMS: the checksums of frozen migrations, to detect edited files.

The format is that of coreutils: `sha256sum --check SHA256SUMS` reads it as well, and skips the
comments, which name the migration of dal's that a service's migration needs.
"""

import hashlib
import re
from pathlib import Path

NAME = "SHA256SUMS"
_LINE = re.compile(r"([0-9a-f]{64})  (\S+)")
_DEPENDS = re.compile(r"# (\S+) depends on dal (\S+)")


def checksum(path: Path) -> str:
    """A file's SHA-256, without regard to line endings, which git may change."""
    return hashlib.sha256(path.read_bytes().replace(b"\r\n", b"\n")).hexdigest()


def recorded(folder: Path) -> dict[str, str]:
    """The checksum of each file that the manifest names; nothing if there is no manifest."""
    matches = map(_LINE.fullmatch, _lines(folder))
    return {match[2]: match[1] for match in matches if match}


def dependencies(folder: Path) -> dict[str, str]:
    """Maps each migration to the migration of dal's that it was recorded to depend on."""
    matches = map(_DEPENDS.fullmatch, _lines(folder))
    return {match[1]: match[2] for match in matches if match}


def garbled(folder: Path) -> list[int]:
    """The numbers of malformed lines in the manifest, such as an unfinished merge leaves."""
    return [
        number
        for number, line in enumerate(_lines(folder), 1)
        if not _LINE.fullmatch(line) and not _DEPENDS.fullmatch(line)
    ]


def _lines(folder: Path) -> list[str]:
    manifest = folder / NAME
    if not manifest.is_file():
        return []
    return manifest.read_text(encoding="utf-8", errors="replace").splitlines()
