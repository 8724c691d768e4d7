"""From a SQL file to the statement that reaches the server, and the rules for dal's own files."""

import ast
from pathlib import Path

import pytest

import dal
from dal.binding.errors import BindingError
from dal.binding.statement import Statement, read_statement
from dal.paths import SQL
from dal.source.scanner import Token, TokenKind, tokens

# Beside these folders lie scripts that a person runs, such as grants.sql.
FILES = sorted(
    path.relative_to(SQL).as_posix()
    for path in SQL.glob("*/**/*.sql")
    # `dal distribute` runs its files by itself; one of them serves a function as well.
    if path.parent != SQL / "distribute" or path.stem == "installed"
)
every_file = pytest.mark.parametrize("file", FILES)


def read(folder: Path, content: str | bytes) -> Statement:
    file = folder / "orders" / "get.sql"
    file.parent.mkdir()
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_statement(folder, "orders/get.sql")


@pytest.mark.parametrize(
    ("sql", "sent", "parameters"),
    [
        ("SELECT 1", "SELECT /* orders.get */ 1", ""),
        ("-- An :order.\n/* Index: $1; */\n\nselect 1", "select /* orders.get */ 1", ""),
        ("SELECT 1 ; -- done\n\n", "SELECT /* orders.get */ 1", ""),
        ("SELECT(1)", "SELECT /* orders.get */(1)", ""),
        ("SELECT ':a;', $$:b;$$, \":c;\"", "SELECT /* orders.get */ ':a;', $$:b;$$, \":c;\"", ""),
        ("SELECT a, -- :b;\n/* $1 */ :c", "SELECT /* orders.get */ a, -- :b;\n/* $1 */ $1", "c"),
        ("SELECT :b, :a, :b::int, :c", "SELECT /* orders.get */ $1, $2, $1::int, $3", "b a c"),
        ("SELECT a LIMIT:n OFFSET :m", "SELECT /* orders.get */ a LIMIT $1 OFFSET $2", "n m"),
        ("SELECT a[:n]", "SELECT /* orders.get */ a[$1]", "n"),
    ],
)
def test_what_is_sent(tmp_path: Path, sql: str, sent: str, parameters: str) -> None:
    statement = read(tmp_path, sql)
    assert statement.text == sent
    assert statement.parameters == tuple(parameters.split())


@pytest.mark.parametrize("keyword", ["INSERT", "update", "Delete", "MERGE"])
def test_a_writing_statement_is_counted(tmp_path: Path, keyword: str) -> None:
    assert read(tmp_path, f"{keyword} x").returns_count


@pytest.mark.parametrize("keyword", ["SELECT", "WITH", "VALUES", "INSERTS"])
def test_any_other_is_not(tmp_path: Path, keyword: str) -> None:
    assert not read(tmp_path, f"{keyword} x").returns_count


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("", "there is no statement"),
        ("-- Nothing yet.\n/* SELECT 1 */\n;", "there is no statement"),
        ("SELECT 1; SELECT 2", "more than one statement"),
        ("SELECT 1;;", "more than one statement"),
        ("SELECT $1", "$1: name the parameter instead"),
        ("(SELECT 1)", "a statement must begin with a keyword"),
        ("SELECT\n  'secret", "line 2, column 3: this string is never closed"),
        ("SELECT /* secret", "line 1, column 8: this comment is never closed"),
        (b"SELECT '\xe9'", "'utf-8' codec can't decode byte 0xe9"),
    ],
)
def test_a_file_must_be_one_statement(tmp_path: Path, content: str | bytes, complaint: str) -> None:
    with pytest.raises(BindingError) as raised:
        read(tmp_path, content)
    message = str(raised.value)
    assert message.startswith(f"{tmp_path / 'orders' / 'get.sql'}: {complaint}")
    assert "secret" not in message


@pytest.mark.parametrize(
    ("file", "advice"), [("orders/gte.sql", "; did you mean orders/get.sql?"), ("x.sql", "")]
)
def test_a_missing_file_suggests_a_near_name(tmp_path: Path, file: str, advice: str) -> None:
    read(tmp_path, "SELECT 1")
    with pytest.raises(BindingError) as raised:
        read_statement(tmp_path, file)
    assert str(raised.value) == f"{tmp_path / file}: the file does not exist{advice}"


@every_file
def test_every_file_is_a_statement_named_after_its_place(file: str) -> None:
    assert read_statement(SQL, file).name == ".".join(Path(file).with_suffix("").parts)


@every_file
def test_every_file_opens_with_what_a_reviewer_asks_first(file: str) -> None:
    text = SQL.joinpath(file).read_text(encoding="utf-8")
    head = text[: significant(file)[0].offset]
    assert head.startswith("-- ")
    assert "\n-- Index: " in head
    assert "\n-- Locks: " in head


def test_every_file_is_bound_once() -> None:
    bound = []
    for module in Path(dal.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(ast.Name("query"), [ast.Constant(str(file)), *_]):
                    bound.append(file)
    assert sorted(bound) == FILES


def significant(file: str) -> list[Token]:
    every = list(tokens(SQL.joinpath(file).read_text(encoding="utf-8")))
    return [token for token in every if token.kind not in (TokenKind.SPACE, TokenKind.COMMENT)]
