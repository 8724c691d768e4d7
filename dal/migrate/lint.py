"""Finds mistakes in migrations' files, without a database.

yoyo ignores a misspelt directive, takes a missing rollback for an empty one, and runs any file in
the folder. Each rule here reports one such mistake.
"""

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise, takewhile
from pathlib import Path

import sqlparse
from yoyo.migrations import read_sql_migration

from dal.migrate import manifest
from dal.migrate.folder import DAL, NAME, Folder, of_base
from dal.migrate.index_statement import keywords, parse_index, significant_tokens

DIRECTIVES = ("transactional", "depends")

_COMMENT = re.compile(r"\s*(?:--|/\*|\*)[\s*]*(?P<word>[A-Za-z][\w-]*)(?P<rest>.*)")
_DIRECTIVE = re.compile(r"\s*--\s*(?P<word>transactional|depends)\s*:\s*(?P<value>.*)")
_APART = re.compile(rb"(?m)^\s*--\s*transactional\s*:\s*false\b")
_VALUE = re.compile(r"(?i)\s*[:=]|\s+(true|false|\d{4}\b)")
_INDEX_CONCURRENTLY = ("INDEX", "CONCURRENTLY")
_TRANSACTION_CONTROL = re.compile(
    r"(?i)(BEGIN|START\s+TRANSACTION|COMMIT|END|ROLLBACK|ABORT|SAVEPOINT|RELEASE|"
    r"PREPARE\s+TRANSACTION)\b"
)


@dataclass(frozen=True, slots=True)
class LintFinding:
    """A mistake, and what to do about it.

    Attributes:
        rule: the rule's name, if a waiver can name it.
        object: always None here, where waivers name no objects.
    """

    file: str
    line: int
    problem: str
    rule: str = ""
    object: None = None

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.problem}"


def lint(folder: Folder, *, frozen: bool = True) -> list[LintFinding]:
    """Find the mistakes in a project's migrations.

    Parameters:
        folder: where they are.
        frozen: whether a file that is not frozen yet is a mistake as well.
    """
    if not frozen:
        return errors_in(folder)
    path = folder.path
    unfrozen = {file.name for file in path.glob("*.sql")} - manifest.recorded(path).keys()
    missing = [
        LintFinding(
            name, 1, f"not in {manifest.NAME}: freeze it with `dal lint-migrations --freeze`"
        )
        for name in unfrozen
    ]
    return sorted([*errors_in(folder), *missing], key=lambda finding: (finding.file, finding.line))


def errors_in(folder: Folder) -> list[LintFinding]:
    """The mistakes that keep migrations from being run: all but a file that is not frozen yet."""
    path = folder.path
    files = [file for file in sorted(path.iterdir()) if file.suffix in (".sql", ".py")]
    migrations = [file for file in files if NAME.fullmatch(file.name)]
    findings = [
        LintFinding(
            file.name, 1, "yoyo would take it for a migration; call it 0005.name.sql, or move it"
        )
        for file in files
        if file not in migrations
    ]
    if not migrations:
        findings.append(LintFinding(path.name, 1, "no migrations found"))
    findings += _sequence([file.name for file in migrations])
    findings += _frozen(path)
    for file in migrations:
        findings += _file(file, folder)
    return findings


def _sequence(names: list[str]) -> Iterator[LintFinding]:
    applying = [name for name in names if not name.endswith(".rollback.sql")]
    for place, name in enumerate(applying, 1):
        if int(name[:4]) != place:
            yield LintFinding(name, 1, f"out of sequence: the number after the last is {place:04}")
            break  # all that follow are wrong for the same reason
    for name in applying:
        if (undo := name.replace(".sql", ".rollback.sql")) not in names:
            yield LintFinding(undo, 1, f"missing: write how to roll back {name}")
    for name in set(names).difference(applying):
        if (done := name.replace(".rollback.sql", ".sql")) not in applying:
            yield LintFinding(name, 1, f"rolls back {done}, which does not exist")


def _frozen(folder: Path) -> Iterator[LintFinding]:
    for line in manifest.garbled(folder):
        yield LintFinding(manifest.NAME, line, "is not a checksum and a name: restore it from git")
    for name, value in manifest.recorded(folder).items():
        if not (folder / name).is_file():
            yield LintFinding(name, 1, f"removed, but frozen in {manifest.NAME}: restore it")
        elif manifest.checksum(folder / name) != value:
            yield LintFinding(
                name, 1, f"edited since {manifest.NAME} froze it: restore it, and add a migration"
            )


def _file(path: Path, folder: Folder) -> Iterator[LintFinding]:
    undoing = path.stem.endswith(".rollback")
    raw = path.read_bytes()
    if raw.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        yield LintFinding(
            path.name, 1, "begins with a byte-order mark: save it as UTF-8 without one"
        )
        return
    try:
        text = raw.decode().replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        yield LintFinding(path.name, line, "is not UTF-8: save it as UTF-8")
        return
    _, _, statements = read_sql_migration(str(path))
    bare = [
        sqlparse.format(statement, strip_comments=True).strip(" \n;") for statement in statements
    ]
    if not any(bare):
        yield LintFinding(
            path.name, 1, "has no statement; where nothing is to be done, write SELECT;"
        )
    yield from _directives(path, text, statements, folder)
    if not undoing:
        yield from _base(path, folder)
    lines = [
        text[: max(0, text.find(statement.strip()))].count("\n") + 1 for statement in statements
    ]
    apart = not is_transactional(path)
    for line, statement in zip(lines, bare, strict=True):
        if _TRANSACTION_CONTROL.match(statement):
            yield LintFinding(
                path.name, line, "remove BEGIN, COMMIT and the like: dal controls the transaction"
            )
        elif apart and parse_index(statement) is None:
            yield LintFinding(
                path.name,
                line,
                "outside a transaction, only CREATE INDEX CONCURRENTLY IF NOT EXISTS and DROP INDEX"
                " CONCURRENTLY IF EXISTS can be repeated after an interruption: remove"
                " `-- transactional: false`, or use one of these",
            )
        elif not apart and _INDEX_CONCURRENTLY in pairwise(keywords(significant_tokens(statement))):
            yield LintFinding(
                path.name, line, "CONCURRENTLY needs `-- transactional: false` at the top"
            )
    if apart and len(bare) > 1:
        yield LintFinding(
            path.name, lines[1], "a second statement: outside a transaction a file has one"
        )


def is_transactional(path: Path) -> bool:
    """Whether a file, or the one that it undoes, runs in a transaction."""
    applying = path.with_name(path.name.replace(".rollback.sql", ".sql"))
    return not (applying.is_file() and _APART.search(applying.read_bytes()))


def _directives(
    path: Path, text: str, statements: list[str], folder: Folder
) -> Iterator[LintFinding]:
    name, undoing = path.name, path.stem.endswith(".rollback")
    earlier = [each for each in folder.names if each < path.stem]
    lines = text.splitlines()
    # yoyo reads the comment before the first statement only.
    code = text.find(statements[0].strip()) if statements else len(text)
    header_lines = text[: max(0, code)].count("\n")
    comments = len(list(takewhile(re.compile(r"\s*(--|/\*|\*|$)").match, lines)))
    seen: set[str] = set()
    for number, line in enumerate(lines, 1):
        if directive := _DIRECTIVE.fullmatch(line):
            word, value = directive["word"], directive["value"]
            if undoing:
                problem = "belongs in the file that applies the migration; the rollback follows it"
            elif number > header_lines:
                problem = "must stand above the first statement: down here it is ignored"
            elif word == "transactional" and (value not in ("true", "false") or word in seen):
                problem = "is written once, as `-- transactional: false` (or true)"
            elif word == "depends" and not _own(value, folder) <= set(earlier):
                problem = (
                    "names a migration that is not before this one; earlier:"
                    f" {', '.join(earlier) or 'none'}"
                )
            else:
                problem = ""
            seen.add(word)
            if problem:
                yield LintFinding(name, number, f"`{word}` {problem}")
        elif number <= comments and (comment := _COMMENT.match(line)):
            yield from _misspelt(name, number, comment["word"], comment["rest"])


def _own(value: str, folder: Folder) -> set[str]:
    """The names in the value of `depends` that are the project's own."""
    words = value.split()
    if folder.base is None or words[-1:] == [DAL]:  # which names nothing of dal's
        return set(words)
    return set(words) - {DAL, *of_base(words)}


def _base(path: Path, folder: Folder) -> Iterator[LintFinding]:
    """Find a migration of dal's that this one needs, but this version of dal lacks."""
    need = folder.depends(path.stem)
    if folder.base and need not in folder.base.names:
        have = folder.base.names[-1]
        yield LintFinding(
            path.name, 1, f"needs dal {need}, but this dal's newest is {have}: upgrade dal"
        )


def _misspelt(name: str, number: int, word: str, rest: str) -> Iterator[LintFinding]:
    """Find a line of the header comment that was meant as a directive, or may be taken for one."""
    title = name.split(".")[1]
    near = difflib.get_close_matches(word.lower(), DIRECTIVES, n=1, cutoff=0.75)
    if near and _VALUE.match(rest):  # prose may begin with such a word as well
        yield LintFinding(name, number, f"`{word}` is not read; did you mean `-- {near[0]}: ...`?")
    elif rest.startswith(":") and word.lower() != title:
        offers = " and ".join(DIRECTIVES)
        yield LintFinding(name, number, f"`{word}` is not a directive; the directives are {offers}")
