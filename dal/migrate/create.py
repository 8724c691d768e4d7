"""A new migration's two files."""

import re
from pathlib import Path

from dal.errors import InvalidInputError
from dal.migrate import folder as files
from dal.places import MIGRATIONS, refuse_installed

_HEAD = """\
-- depends: {previous}
{directive}--
-- What changes, and why; what is locked meanwhile, and for how long.

{statement}
"""
_ROLLBACK = """\
-- What this takes back, and which rows are lost.

{statement}
"""


def create(title: str, *, concurrent: bool = False, folder: Path = MIGRATIONS) -> tuple[Path, Path]:
    """Write the next number's pair of files, each with the beginnings of its header comment.

    Parameters:
        title: lower-case letters, digits, `_` and `-`.
        concurrent: it builds an index concurrently, so it can't run in a transaction.
        folder: where the migrations are.

    Raises:
        InvalidInputError: the title has other characters.
        ConfigurationError: the folder is missing, empty, unfit, or that of an installed dal.
    """
    if not re.fullmatch(r"[a-z0-9_-]+", title):
        raise InvalidInputError("a migration's name has lower-case letters, digits, _ and -")
    refuse_installed(folder)
    previous = files.read(folder)[-1].id
    name = f"{int(previous[:4]) + 1:04}.{title}"
    up, down = "ALTER TABLE ...", "ALTER TABLE ..."
    if concurrent:
        index = f"idx_{title.replace('-', '_')}"
        up = f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {index} ON table_name (column_name)"
        down = f"DROP INDEX CONCURRENTLY IF EXISTS {index}"
    texts = {
        f"{name}.sql": _HEAD.format(
            previous=previous,
            directive="-- transactional: false\n" if concurrent else "",
            statement=f"{up};",
        ),
        f"{name}.rollback.sql": _ROLLBACK.format(statement=f"{down};"),
    }
    paths = [folder / file for file in texts]
    for path, text in zip(paths, texts.values(), strict=True):
        with path.open("x", encoding="utf-8") as opened:  # never over a file that is there
            opened.write(text)
    return paths[0], paths[1]
