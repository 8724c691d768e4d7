"""Writes a new migration's two files."""

import re
from pathlib import Path

from dal.errors import InvalidInputError
from dal.migrate.folder import OWN, Folder
from dal.migrate.lint import errors_in
from dal.migrate.migration import UnfitError
from dal.paths import refuse_installed

_HEAD = """\
{directives}-- What changes, and why; what is locked meanwhile, and for how long.

{statement}
"""
_ROLLBACK = """\
-- What this takes back, and which rows are lost.

{statement}
"""


def create(title: str, *, concurrent: bool = False, folder: Folder = OWN) -> tuple[Path, Path]:
    """Write the next number's pair of files, each with a header comment to complete.

    Parameters:
        title: lower-case letters, digits, `_` and `-`.
        concurrent: it builds an index concurrently, so it can't run in a transaction.
        folder: where the migrations are; a service's is made if there is none yet.

    Raises:
        InvalidInputError: the title has other characters.
        ConfigurationError: the folder is unfit, or that of an installed dal.
    """
    if not re.fullmatch(r"[a-z0-9_-]+", title):
        raise InvalidInputError("a migration's name has lower-case letters, digits, _ and -")
    refuse_installed(folder.path)
    folder.path.mkdir(parents=True, exist_ok=True)
    if folder.names and (findings := errors_in(folder)):
        raise UnfitError("\n  ".join(["the migrations are not fit:", *map(str, findings)]))
    name = f"{len(folder.names) + 1:04}.{title}"
    up, down = "ALTER TABLE ...", "ALTER TABLE ..."
    if concurrent:
        index = f"idx_{title.replace('-', '_')}"
        up = f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {index} ON table_name (column_name)"
        down = f"DROP INDEX CONCURRENTLY IF EXISTS {index}"
    texts = {
        f"{name}.sql": _HEAD.format(
            directives=_directives(folder, concurrent=concurrent), statement=f"{up};"
        ),
        f"{name}.rollback.sql": _ROLLBACK.format(statement=f"{down};"),
    }
    paths = [folder.path / file for file in texts]
    for path, text in zip(paths, texts.values(), strict=True):
        with path.open("x", encoding="utf-8") as opened:  # never over a file that is there
            opened.write(text)
    return paths[0], paths[1]


def _directives(folder: Folder, *, concurrent: bool) -> str:
    """A new migration's directives: what it builds on, and whether it runs in a transaction."""
    newest = f"dal {folder.base.names[-1]}" if folder.base else (folder.names or [""])[-1]
    lines = [f"-- depends: {newest}"] * bool(newest) + ["-- transactional: false"] * concurrent
    return "\n".join([*lines, "--", ""]) if lines else ""
