"""The scanner against texts made of known pieces, and PostgreSQL's lexical rules by example."""

import re
import sys
from collections.abc import Callable, Sequence
from itertools import accumulate
from types import FrameType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dal.source import scanner
from dal.source.scanner import ScanError, Token, TokenKind, tokens


def parameters(sql: str) -> list[str]:
    return [token.text[1:] for token in tokens(sql) if token.kind is TokenKind.PARAMETER]


def significant(sql: str) -> list[tuple[TokenKind, str]]:
    return [(token.kind, token.text) for token in tokens(sql) if token.kind is not TokenKind.SPACE]


@pytest.mark.parametrize(
    ("sql", "kinds"),
    [
        ("SELECT foo$bar$baz, é_1;", "word word symbol word symbol"),
        ("\N{NO-BREAK SPACE}", "word"),
        ("$1 $1$a$ $1 $a$", "position position string"),
        (":né_1$a$ x::int y:=1", "parameter word symbol word word symbol number"),
        (":1 :'x' :\"x\" :E'\\''", "symbol number symbol string symbol quoted symbol string"),
        ("1 .5 1.5e-3 1. 0xFF 1_000", "number number number number number number"),
        ("1else", "number word"),
        ("'it''s' '\\'", "string string"),
        ("E'\\'' e'\\\\' fooE'\\'", "string string word string"),
        ("U&'x' b'1' X'F' n'x' U&x", "string string string string word symbol word"),
        ('"a""b" u&"x"', "quoted quoted"),
        ("'a' 'b'", "string string"),
        ("'a'\n'b'", "string"),
        ("'a' -- it's\r\n --\n'b'", "string"),
        ("'a' /*\n*/ 'b'", "string comment string"),
        ("E'a'\n'\\''", "string"),
        ("'a'\n'\\'", "string"),
        ("'a'\nE'\\''", "string string"),
        ("'a'\n- 'b'", "string symbol string"),
        ("$$ $a$ $$ $a$ $$ $A$ $aa$ $b$a$", "string string"),
        ("$a $b", "symbol word symbol word"),
        ("--a\rb -- /*\n1 /* -- */2", "comment word comment number comment number"),
        ("/*/* */' */1 /*/ **/2", "comment number comment number"),
        ("+/* */*--", "symbol comment symbol comment"),
    ],
)
def test_kinds(sql: str, kinds: str) -> None:
    assert " ".join(kind for kind, _ in significant(sql)) == kinds


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("a = :a AND b = :b::uuid OR a = :a", ["a", "b", "a"]),
        ("f(a => :a, b := :b, :c)", ["a", "b", "c"]),
        ("LIMIT:n", ["n"]),
        ("a[1:n] a[lo:hi] a[f(x):n] a['x':n] a[\"x\":n] a[$1:n] a[b[1]:n]", []),
        ("a[1/**/:n$m] a[1\n:n] a[lo::int:hi] (a)[1:n] a[1][2:n]", []),
        ("a[1::int] a[int4(2):N]", []),
        ("a[:n] a[:lo : :hi] a[1 + :n] a[1 : :n] a[:lo:hi]", ["n", "lo", "hi", "n", "n", "lo"]),
        ("a[f(:x, x :y):n]", ["x", "y"]),
        ("a[(x :n)] x[1] :m", ["n", "m"]),
        ("a[CASE WHEN :a THEN :b ELSE :c END:n]", ["a", "b", "c"]),
        ("ARRAY[:a, :b] array[[:c], [:d]] ARRAY[x AT TIME ZONE :tz]", ["a", "b", "c", "d", "tz"]),
        ("JSON_OBJECT('k': v, 'l': :l)", ["l"]),
        ("x) :a ]] :b", ["a", "b"]),
    ],
)
def test_parameters(sql: str, expected: list[str]) -> None:
    assert parameters(sql) == expected


@pytest.mark.parametrize(
    ("sql", "place", "construct"),
    [
        ("SELECT\n  1,\n 'secret", "line 3, column 2", "string"),
        ("E'secret\\'", "line 1, column 1", "string"),
        ("E'a'\n'secret\\'", "line 1, column 1", "string"),
        ("'secret''", "line 1, column 1", "string"),
        ('é "secret""', "line 1, column 3", "quoted identifier"),
        ("$$ secret $a$", "line 1, column 1", "dollar-quoted string"),
        ("\n\n$a$ secret $A$", "line 3, column 1", "dollar-quoted string"),
        ("1 /* /* secret */", "line 1, column 3", "comment"),
    ],
)
def test_an_error_tells_where_and_what_but_not_the_text(
    sql: str, place: str, construct: str
) -> None:
    with pytest.raises(ScanError) as raised:
        list(tokens(sql))
    assert str(raised.value) == f"{place}: this {construct} is never closed"
    assert "secret" in sql[raised.value.offset :]


def scanned(sql: str) -> list[Token] | ScanError:
    try:
        return list(tokens(sql))
    except ScanError as error:
        return error


# Characters and pairs that open, close, escape or separate something somewhere.
CHARACTERS = "'\"$\\/*-:;()[].ab1_é \n\r\ud800"
PAIRS = ["/*", "*/", "--", "$$", "$a$", "::", ":=", "E'", "U&", ":hidden"]
NASTY = st.lists(st.sampled_from([*CHARACTERS, *PAIRS]), max_size=12).map("".join)
ANY_TEXT = st.text() | NASTY
HIDDEN = NASTY.map(" :hidden {}".format)


@settings(deadline=None, max_examples=300)
@given(ANY_TEXT)
def test_no_character_is_lost(sql: str) -> None:
    result = scanned(sql)
    if isinstance(result, ScanError):
        assert re.fullmatch(r"line \d+, column \d+: this [a-z -]+ is never closed", str(result))
        assert 0 <= result.offset < len(sql)
        return
    assert "".join(token.text for token in result) == sql
    ends = accumulate((len(token.text) for token in result), initial=0)
    assert [*(token.offset for token in result), len(sql)] == list(ends)
    assert all(token.text for token in result)


def literals(prefixes: Sequence[str], escape: Callable[[str], str]) -> st.SearchStrategy[str]:
    """String constants of one to three parts; two quotes at once are a quote in the string."""
    gaps = st.sampled_from(["", "\n", " \t\r\n ", " -- it's :hidden\n", "--\n--'\n\f"])
    parts = st.lists(HIDDEN.map(escape).map("'{}'".format), min_size=1, max_size=3)
    return st.builds(
        lambda prefix, parts, gap: prefix + gap.join(parts), st.sampled_from(prefixes), parts, gaps
    )


QUOTATIONS = {
    "string": literals(["", "N", "b", "X", "u&"], lambda text: text.replace("'", "''")),
    "string with escapes": literals(
        ["E", "e"], lambda text: text.replace("\\", "\\\\").replace("'", "\\'")
    ),
    # No fragment has a t, so that none can close the quote.
    "dollar quote with a tag": HIDDEN.map("$_é1t${}$_é1t$".format),
    "dollar quote": HIDDEN.map(lambda text: f"$${text.replace('$', '')}$$"),
    "quoted identifier": st.builds(
        '{}"{}"'.format,
        st.sampled_from(["", "U&"]),
        HIDDEN.map(lambda text: text.replace('"', '""')),
    ),
    "comment": HIDDEN.map(lambda text: "--" + re.sub(r"[\r\n]", " ", text)),
    "nested comment": st.recursive(
        HIDDEN.map(lambda text: re.sub(r"/\*|\*/", " ", text)).map("/* {} */".format),
        lambda inner: st.lists(inner, max_size=3).map(lambda parts: f"/*{' '.join(parts)}*/"),
    ),
}


@pytest.mark.parametrize("notation", QUOTATIONS)
@settings(deadline=None)
@given(data=st.data())
def test_a_quotation_hides_what_is_in_it(notation: str, data: st.DataObject) -> None:
    sql = data.draw(QUOTATIONS[notation])
    before, quotation, *after = significant(f"x {sql}\n, :shown")
    assert before == (TokenKind.WORD, "x")
    assert quotation[1] == sql
    assert after == [(TokenKind.SYMBOL, ","), (TokenKind.PARAMETER, ":shown")]


# A piece of a statement, and the parameters in it.
Piece = tuple[str, list[str]]


def silent(sql: str) -> Piece:
    return sql, []


NAMES = st.builds("{}{}".format, st.sampled_from("aE_é"), st.text("bu_1é$", max_size=4))
VALUES = st.one_of(
    st.one_of(
        NAMES,
        st.sampled_from(["1", ".5e-3", "$1", "null", "a$b$c", "(b)"]),
        QUOTATIONS["string"],
        QUOTATIONS["quoted identifier"],
    ).map(silent),
    NAMES.map(lambda name: (f":{name}", [name])),
    NAMES.map(lambda name: (f":{name}::{name}", [name])),
    NAMES.map(lambda name: (f"f(:{name}, x :{name})", [name, name])),
)
SLICES = st.one_of(
    st.builds(lambda low, name: (f"a[{low[0]} :{name}]", low[1]), VALUES, NAMES),
    st.builds(lambda low, name: (f"a[{low[0]} : :{name}]", [*low[1], name]), VALUES, NAMES),
    st.builds(lambda low, name: (f"a[{low[0]} + :{name}]", [*low[1], name]), VALUES, NAMES),
    st.builds(
        lambda value, name: (f"ARRAY[:{name}, {value[0]}]", [name, *value[1]]), VALUES, NAMES
    ),
    NAMES.map(lambda name: (f"a[:{name}]", [name])),
)
OTHERS = st.one_of(
    st.sampled_from(["x::int", "x:=y", "LIMIT", "->>", "1 - -1", "$"]).map(silent),
    st.one_of(*QUOTATIONS.values()).map(silent),
    NAMES.map(lambda name: (f"LIMIT:{name}", [name])),
)
STATEMENTS: st.SearchStrategy[Piece] = st.lists(VALUES | SLICES | OTHERS, max_size=8).map(
    lambda pieces: (
        "\n,".join(sql for sql, _ in pieces),
        [name for _, names in pieces for name in names],
    )
)


@settings(deadline=None, max_examples=200)
@given(STATEMENTS)
def test_exactly_the_parameters_are_found(statement: Piece) -> None:
    sql, names = statement
    assert parameters(sql) == names


def numbered(sequence: list[Token]) -> str:
    """The text with `$n` for each parameter, kept apart from what it would be one token with."""
    sql = ""
    previous = None
    for count, token in enumerate(sequence, 1):
        if token.kind is TokenKind.PARAMETER:
            sql += " " if previous is TokenKind.WORD or sql.endswith("$") else ""
            sql += f"${count}"
        else:
            sql += token.text
        previous = token.kind
    return sql


@settings(deadline=None, max_examples=300)
@given(STATEMENTS.map(lambda statement: statement[0]) | ANY_TEXT)
def test_numbering_the_parameters_changes_no_other_token(sql: str) -> None:
    result = scanned(sql)
    if isinstance(result, ScanError):
        return
    assert significant(numbered(result)) == [
        (TokenKind.POSITION, f"${count}")
        if token.kind is TokenKind.PARAMETER
        else (token.kind, token.text)
        for count, token in enumerate(result, 1)
        if token.kind is not TokenKind.SPACE
    ]


@pytest.mark.parametrize(
    "fragment",
    ["/*", "'", "'\n", "E'\\'", "'a'\n--'", "'\n--\n", '"', "$", "$a", "$$a", "a[:b", "1e", "--"],
)
def test_no_text_takes_more_than_linear_time(fragment: str) -> None:
    """A search that began again at every fragment would run 10^9 lines of the scanner and more.

    What happens inside a regular expression can't be counted, but would show as a test that
    does not end.
    """
    sql = fragment * (100_000 // len(fragment))
    lines = 20 * len(sql)

    def count(frame: FrameType, event: str, _: object) -> Any:
        nonlocal lines
        lines -= event == "line"
        assert lines >= 0
        return count if frame.f_code.co_filename == scanner.__file__ else None

    before = sys.gettrace()
    sys.settrace(count)
    try:
        scanned(sql)
    finally:
        sys.settrace(before)
