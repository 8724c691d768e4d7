"""Where migrations define an index, a constraint or a table: findings about it point there."""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from dal.check.project import Project
from dal.source.scanner import ScanError, TokenKind, blanked
from dal.source.text import Source

_ONLY = r'(?:(?:IF\s+(?:NOT\s+)?EXISTS|ONLY)\s+)*(?:"?\w+"?\.)?'


def defined_at(
    project: Project,
    name: str,
    comment: str | None = None,
    default: Path | None = None,
    *,
    table: str = "",
    columns: Sequence[str] = (),
) -> tuple[Path, int | None]:
    """The file and offset where a migration creates an index or a constraint, else its table.

    Parameters:
        project: has the migrations.
        name: the name of the index or constraint.
        comment: the table's comment, which may name its migration.
        default: the file to return where no migration has the name, instead of the table's.
        table: its table, as PostgreSQL writes it.
        columns: its columns, by which it is found if PostgreSQL has named it.
    """
    files = list(_files(project))
    named = rf'\b(?i:INDEX|CONSTRAINT|EXISTS|CONCURRENTLY)\s+"?({re.escape(name)})\b'
    for path, text in files:
        if match := re.search(named, text):
            return path, match.start(1)
    if default:
        return default, None
    relation = re.escape(table.rpartition(".")[2].strip('"'))
    for pattern, words in (
        (rf'\bINDEX\s+(?:CONCURRENTLY\s+)?ON\s+{_ONLY}"?({relation})\b', columns),
        (rf'\bTABLE\s+{_ONLY}"?({relation})\b', (*columns, "REFERENCES")),
        (rf'\bTABLE\s+{_ONLY}"?({relation})\b', columns),
        (rf'\bCREATE\s[^;]*?\bTABLE\s+{_ONLY}"?({relation})\b', ()),
    ):
        for path, text in files if table else ():
            for match in re.finditer(rf"(?i:{pattern})", text):
                statement = text[match.start() :].partition(";")[0]
                if all(re.search(rf"(?i:\b{re.escape(word)}\b)", statement) for word in words):
                    return path, match.start(1)
    if project.migrations and project.comment_prefix:
        migration = (comment or "").removeprefix(project.comment_prefix).partition(":")[0]
        return project.migrations / f"{migration}.sql", None
    return project.migrations or project.report_at, None


def _files(project: Project) -> Iterator[tuple[Path, str]]:
    """The migrations with their texts, in which comments are blank."""
    for path in sorted(project.migrations.glob("*.sql")) if project.migrations else ():
        if not path.name.endswith(".rollback.sql"):
            text = Source.read(path).text
            with suppress(ScanError):  # which the migrations' own lint reports
                text = blanked(text, TokenKind.COMMENT)
            yield path, text
