"""One SQL file, as the statement that reaches the server."""

import re
from dataclasses import dataclass
from pathlib import Path

from dal.binding.scanner import QUIET, Kind, ScanError, tokens

_BLANK_LINES = re.compile(r"\n[ \t]+(?=\n)")  # of the lines that a variant lacks
_WRITING = ("INSERT", "UPDATE", "DELETE", "MERGE")


class BindingError(TypeError):
    """A SQL file and its stub do not fit; the message names both sides.

    Attributes:
        offset: characters before the place in the file, where there is one.
    """

    def __init__(self, message: str, offset: int | None = None) -> None:
        super().__init__(message)
        self.offset = offset


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement ready to be prepared.

    Attributes:
        name: `messages.history`, as in errors, logs, pg_stat_activity and metrics.
        path: its file.
        sql: the file's text; in a variant, the lines that it lacks are blank.
        variant: the parameters whose `-- if` lines are there, in a variant.
        text: what is sent: `$1` for the first parameter, and the name as a comment.
        parameters: names of `$1`, `$2`, ...
        counted: whether its result is a number of rows rather than rows: it is an INSERT, UPDATE,
            DELETE or MERGE without RETURNING.
    """

    name: str
    path: Path
    sql: str
    text: str
    parameters: tuple[str, ...]
    counted: bool
    variant: tuple[str, ...] = ()


def read_statement(folder: Path, file: str) -> Statement:
    """Read `file` below `folder`.

    Raises:
        BindingError: the file is missing, is not UTF-8, or is not exactly one statement with
            named parameters.
    """
    path = folder / file
    name = file.removesuffix(".sql").replace("/", ".")
    try:
        return parsed(path, name, path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise BindingError(f"{path} does not exist{_similar(folder, file)}") from None
    except (UnicodeDecodeError, ScanError, BindingError) as error:
        raise BindingError(f"{path}: {error}", getattr(error, "offset", None)) from None


def parsed(path: Path, name: str, sql: str, variant: tuple[str, ...] = ()) -> Statement:
    """A file's text as a statement.

    Parameters:
        path: the file.
        name: the statement's.
        sql: the text.
        variant: the parameters whose `-- if` lines are there; the comment names them, too.

    Raises:
        BindingError, ScanError: it is not exactly one statement with named parameters.
    """
    parts: list[str] = []
    parameters: dict[str, str] = {}
    writes = returning = closed = False
    depth = 0
    length = 0  # of the parts, without what is quiet behind the statement
    before = None
    for token in tokens(sql):
        if token.kind in QUIET:
            if parts:  # else it is the header comment
                parts.append(_BLANK_LINES.sub("", token.text))
        elif closed:
            complaint = "more than one statement; give each one its own file"
            raise BindingError(complaint, token.offset)
        elif token.text == ";":
            closed = True
        else:
            if token.kind is Kind.POSITION:
                complaint = f"{token.text}: name the parameter instead, as in :user_id"
                raise BindingError(complaint, token.offset)
            if before is None:
                if token.kind is not Kind.WORD:
                    raise BindingError("a statement begins with a keyword", token.offset)
                writes = token.text.upper() in _WRITING
                parts += token.text, f" /* {' +'.join((name, *variant))} */"
            elif depth == 0 and token.kind is Kind.WORD and token.text.upper() == "RETURNING":
                returning = True
                parts.append(token.text)
            elif token.kind is Kind.PARAMETER:
                gap = " " if before.kind is Kind.WORD else ""  # LIMIT:n would become one word
                parts.append(gap + parameters.setdefault(token.text[1:], f"${len(parameters) + 1}"))
            else:
                parts.append(token.text)
            depth += {"(": 1, ")": -1}.get(token.text, 0)
            length = len(parts)
        if parts:
            before = token
    if not parts:
        raise BindingError("there is no statement")
    counted = writes and not returning
    return Statement(name, path, sql, "".join(parts[:length]), tuple(parameters), counted, variant)


def _similar(folder: Path, file: str) -> str:
    import difflib  # imported only where a file is missing

    files = [path.relative_to(folder).as_posix() for path in folder.rglob("*.sql")]
    near = difflib.get_close_matches(file, files, n=1)
    return f"; did you mean {near[0]}?" if near else ""
