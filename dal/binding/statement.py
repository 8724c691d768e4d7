"""One SQL file, as the statement that reaches the server."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

from dal.binding.errors import BindingError
from dal.source.filters import OptionalLine, keep_lines, optional_lines, subsets
from dal.source.scanner import IGNORED, SourceError, TokenKind, tokens

_BLANK_LINES = re.compile(r"\n[ \t]+(?=\n)")  # left by the lines that a variant lacks
_WRITING = ("INSERT", "UPDATE", "DELETE", "MERGE")


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement ready to be prepared.

    Attributes:
        name: `messages.history`, as in errors, logs, pg_stat_activity and metrics.
        path: its file.
        sql: the file's text; in a variant, the lines that it lacks are blank.
        lines: the lines that may be absent, marked by `-- if`.
        variant: in a variant, the parameters whose `-- if` lines are present.
        text: what is sent: `$1` for the first parameter, and the name as a comment.
        parameters: names of `$1`, `$2`, ...
        returns_count: whether its result is a number of rows rather than rows: it is an INSERT,
            UPDATE, DELETE or MERGE without RETURNING.
    """

    name: str
    path: Path
    sql: str
    text: str
    parameters: tuple[str, ...]
    returns_count: bool
    variant: tuple[str, ...] = ()
    lines: tuple[OptionalLine, ...] = ()

    @property
    def switches(self) -> list[str]:
        """The parameters that decide which lines are there."""
        return list(dict.fromkeys(line.parameter for line in self.lines))

    @property
    def flags(self) -> set[str]:
        """The switches whose value is not sent."""
        return {*self.switches}.difference(self.parameters)

    def variants(self) -> "dict[tuple[str, ...], Statement]":
        """The statement with each subset of its `-- if` lines, by the parameters that keep them."""
        return {
            names: statement_of(
                self.path, self.name, keep_lines(self.sql, self.lines, names), names
            )
            for names in subsets(self.switches)
        }


def read_statement(folder: Path, file: str) -> Statement:
    """Read `file` below `folder`.

    Raises:
        BindingError: the file is missing, is not UTF-8, or is not exactly one statement with
            named parameters.
    """
    path = folder / file
    name = file.removesuffix(".sql").replace("/", ".")
    try:
        sql = path.read_text(encoding="utf-8-sig")
        return replace(statement_of(path, name, sql), lines=tuple(optional_lines(sql)))
    except FileNotFoundError:
        raise BindingError(path, f"the file does not exist{_similar(folder, file)}") from None
    except (UnicodeDecodeError, SourceError) as error:
        raise BindingError(path, str(error), getattr(error, "offset", None)) from None


def statement_of(path: Path, name: str, sql: str, variant: tuple[str, ...] = ()) -> Statement:
    """A file's text as a statement.

    Parameters:
        path: the file.
        name: the statement's.
        sql: the text.
        variant: the parameters whose `-- if` lines are present; the comment names them, too.

    Raises:
        SourceError: it is not exactly one statement with named parameters.
    """
    parts: list[str] = []
    parameters: dict[str, str] = {}
    writes = returning = closed = False
    depth = 0
    length = 0  # number of parts, without spaces and comments after the statement
    before = None
    for token in tokens(sql):
        if token.kind in IGNORED:
            if parts:  # else it is the header comment
                parts.append(_BLANK_LINES.sub("", token.text))
        elif closed:
            raise SourceError("more than one statement; give each its own file", token.offset)
        elif token.text == ";":
            closed = True
        else:
            if token.kind is TokenKind.POSITION:
                rule = f"{token.text}: name the parameter instead, as in :user_id"
                raise SourceError(rule, token.offset)
            if before is None:
                if token.kind is not TokenKind.WORD:
                    raise SourceError("a statement must begin with a keyword", token.offset)
                writes = token.text.upper() in _WRITING
                parts += token.text, f" /* {' +'.join((name, *variant))} */"
            elif depth == 0 and token.kind is TokenKind.WORD and token.text.upper() == "RETURNING":
                returning = True
                parts.append(token.text)
            elif token.kind is TokenKind.PARAMETER:
                gap = " " if before.kind is TokenKind.WORD else ""  # LIMIT:n would become one word
                parts.append(gap + parameters.setdefault(token.text[1:], f"${len(parameters) + 1}"))
            else:
                parts.append(token.text)
            depth += {"(": 1, ")": -1}.get(token.text, 0)
            length = len(parts)
        if parts:
            before = token
    if not parts:
        raise SourceError("there is no statement")
    returns_count = writes and not returning
    return Statement(
        name, path, sql, "".join(parts[:length]), tuple(parameters), returns_count, variant
    )


def _similar(folder: Path, file: str) -> str:
    import difflib  # imported only where a file is missing

    files = [path.relative_to(folder).as_posix() for path in folder.rglob("*.sql")]
    near = difflib.get_close_matches(file, files, n=1)
    return f"; did you mean {near[0]}?" if near else ""
