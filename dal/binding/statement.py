"""One SQL file, as the statement that reaches the server."""

import difflib
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from dal.binding.scanner import Kind, ScanError, Token, tokens

_QUIET = (Kind.SPACE, Kind.COMMENT)
_COUNTED = ("INSERT", "UPDATE", "DELETE", "MERGE")


class BindingError(TypeError):
    """A SQL file and its stub do not fit; the message names both sides."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement ready to be prepared.

    Attributes:
        name: `messages.history`, as in errors, logs, pg_stat_activity and metrics.
        path: its file.
        text: what is sent: `$1` for the first parameter, and the name as a comment.
        parameters: names of `$1`, `$2`, ...
        counted: whether its result is a number of rows rather than rows.
    """

    name: str
    path: Path
    text: str
    parameters: tuple[str, ...]
    counted: bool


def read_statement(folder: Path, file: str) -> Statement:
    """Read `file` below `folder`.

    Raises:
        BindingError: the file is missing, is not UTF-8, or is not exactly one statement with
            named parameters.
    """
    path = folder / file
    name = file.removesuffix(".sql").replace("/", ".")
    try:
        body = _body(tokens(path.read_text(encoding="utf-8-sig")))
    except FileNotFoundError:
        raise BindingError(f"{path} does not exist{_similar(folder, file)}") from None
    except (UnicodeDecodeError, ScanError) as error:
        raise BindingError(f"{path}: {error}") from None
    except BindingError as error:
        raise BindingError(f"{path}: {error}") from None
    if body[0].kind is not Kind.WORD:
        raise BindingError(f"{path}: a statement begins with a keyword")
    keyword = body[0]
    parameters: dict[str, str] = {}
    parts = [keyword.text, f" /* {name} */"]
    for before, token in pairwise(body):
        if token.kind is Kind.PARAMETER:
            gap = " " if before.kind is Kind.WORD else ""  # LIMIT:n would become one word
            parts.append(gap + parameters.setdefault(token.text[1:], f"${len(parameters) + 1}"))
        else:
            parts.append(token.text)
    return Statement(
        name=name,
        path=path,
        text="".join(parts),
        parameters=tuple(parameters),
        counted=keyword.text.upper() in _COUNTED,
    )


def _body(found: list[Token]) -> list[Token]:
    """The statement without its head comment and its closing semicolon."""
    loud = [place for place, token in enumerate(found) if token.kind not in _QUIET]
    if loud and found[loud[-1]].text == ";":
        loud.pop()
    if not loud:
        raise BindingError("there is no statement")
    body = found[loud[0] : loud[-1] + 1]
    if any(token.text == ";" for token in body):
        raise BindingError("more than one statement; give each one its own file")
    for token in body:
        if token.kind is Kind.POSITION:
            raise BindingError(f"{token.text}: name the parameter instead, as in :user_id")
    return body


def _similar(folder: Path, file: str) -> str:
    files = [path.relative_to(folder).as_posix() for path in folder.rglob("*.sql")]
    near = difflib.get_close_matches(file, files, n=1)
    return f"; did you mean {near[0]}?" if near else ""
