"""What a folder of migrations creates, by name."""

import re

from dal.migrate.folder import Folder
from dal.source.identifiers import fold
from dal.source.scanner import ScanError, TokenKind, blanked

_NAME = r'("(?:[^"]|"")+"|[^\W\d][\w$]*)'
_CREATED = re.compile(
    r"\b(?:"
    r"CREATE\s+(?:OR\s+REPLACE\s+)?(?:(?:UNLOGGED|RECURSIVE|MATERIALIZED)\s+)*"
    r"(?:TABLE|VIEW|SEQUENCE)\s+(?:IF\s+NOT\s+EXISTS\s+)?"
    r"|RENAME\s+TO\s+"
    rf")(?:{_NAME}\s*\.\s*)?{_NAME}",
    re.IGNORECASE,
)


def created(folder: Folder) -> set[str]:
    """The names of tables, views and sequences that the migrations create or rename something to.

    Names that a migration composes when it runs, or that a function of its creates, are left out.
    """
    names = set()
    for name in folder.names:
        text = (folder.path / f"{name}.sql").read_text(encoding="utf-8", errors="replace")
        try:
            statements = blanked(text, TokenKind.COMMENT, TokenKind.STRING)
        except ScanError:  # a draft that can't run, and so has created nothing
            continue
        names |= {fold(match[2]) for match in _CREATED.finditer(statements)}
    return names
