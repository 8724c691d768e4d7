"""Optional rule: what a header comment has to say."""

import re
from collections.abc import Iterator

from dal.check.findings import Finding
from dal.check.server.catalog import Catalog
from dal.check.statement import BoundStatement
from dal.source.header import Header

INDEX, LOCKS = "Index", "Locks"


def header_comment(statement: BoundStatement, catalog: Catalog) -> Iterator[Finding]:
    """Header comments that lack the purpose, the index, or the locks."""
    if not opens_with_sentence(statement.header):
        yield statement.finding(
            "header-comment",
            0,
            "the file does not open with a comment that says, in a sentence, what it answers",
            "begin with `-- The last messages of ... .`",
        )
    for label, meaning in ((INDEX, "which index serves it"), (LOCKS, "what it locks")):
        line = statement.header.line(label)
        if line is None or not line[0]:
            message = f"the header comment has no line `-- {label}: ...`, which says {meaning}"
            place = line[1] if line else 0
            yield statement.finding(
                "header-comment", place, message, f"add it; `-- {label}: none.` will do"
            )


def opens_with_sentence(header: Header) -> bool:
    """Whether a header comment begins with its purpose."""
    return bool(re.search(r"\w.*\.", header.parts(INDEX, LOCKS)[""]))
