"""Identifiers of SQL, as they are written and as the catalogue has them."""

import re

_NAME_BYTES = 63
_CAPITALS = re.compile("[A-Z]+")
_TRANSIENT = re.compile(r"_cc(new|old)\d*$")


def fold(written: str) -> str:
    """An identifier as PostgreSQL folds it: lower case, unless it is quoted, and 63 bytes long.

    Only ASCII letters have a lower case there. `U&"..."` is not supported.
    """
    if written.startswith('"'):
        name = written[1:-1].replace('""', '"')
    else:
        name = _CAPITALS.sub(lambda letters: letters[0].lower(), written)
    return name.encode()[:_NAME_BYTES].decode(errors="ignore")


def is_left_by_reindex(index: str) -> bool:
    """Whether an index has the name that REINDEX CONCURRENTLY gives to its intermediate ones."""
    return _TRANSIENT.search(index) is not None
