"""SHA256SUMS: the checksums of the migrations, which tell an edited file in git.

The format is that of coreutils: `sha256sum --check SHA256SUMS` reads it as well.
"""

import hashlib
from pathlib import Path

from dal.errors import ConfigurationError
from dal.places import refuse_installed

NAME = "SHA256SUMS"


def checksum(path: Path) -> str:
    """A file's SHA-256; the line endings that git may change don't count."""
    return hashlib.sha256(path.read_bytes().replace(b"\r\n", b"\n")).hexdigest()


def recorded(folder: Path) -> dict[str, str]:
    """The checksum of each file that the manifest names; nothing if there is no manifest."""
    manifest = folder / NAME
    lines = manifest.read_text(encoding="utf-8").splitlines() if manifest.is_file() else []
    pairs = (line.split(maxsplit=1) for line in lines)
    return {name: value for value, name in pairs}


def freeze(folder: Path) -> list[str]:
    """Add the migrations that the manifest does not name yet, and return their files' names.

    A line that is there is never rewritten: whoever must change a frozen file, because it was
    applied nowhere, takes its line out by hand, where a reviewer sees it.

    Raises:
        ConfigurationError: a frozen file was edited or removed, or the folder is that of an
            installed dal.
    """
    refuse_installed(folder)
    frozen = recorded(folder)
    found = {path.name: checksum(path) for path in sorted(folder.glob("*.sql"))}
    changed = sorted(name for name in frozen if found.get(name) != frozen[name])
    if changed:
        raise ConfigurationError(
            f"{', '.join(changed)}: edited or removed since {NAME} froze it; restore it, or take"
            f" its line out of {NAME} if no database has it"
        )
    added = sorted(found.keys() - frozen.keys())
    lines = [f"{value}  {name}\n" for name, value in sorted((frozen | found).items())]
    (folder / NAME).write_text("".join(lines), encoding="utf-8")
    return added
