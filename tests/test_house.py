"""Rules of the house that no type checker or linter knows."""

import ast
import inspect
import re
import subprocess
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from importlib.util import resolve_name
from pathlib import Path

import pytest

import dal
from tests.citus import ABSENT
from tests.surface import FUNCTIONS

CHECKOUT = Path(__file__).parents[1]
SOURCES = {
    path.relative_to(CHECKOUT).as_posix(): path.read_text(encoding="utf-8")
    for path in (CHECKOUT / "dal").rglob("*.py")
}

TOP_LEVEL = "pyproject.toml dal sql migrations tests Makefile README.md LICENSE"

DOMAIN = [name for name in dal.__all__ if inspect.ismodule(getattr(dal, name)) and name != "errors"]
# What is built on the domain. Everything else in dal is machinery, and knows nothing of it.
ON_TOP = re.compile(
    rf"dal/(__init__|__main__|cli/\w+|demo/\w+|jsonl/\w+|maintenance/\w+|testing/\w+|{'|'.join(DOMAIN)})\.py"
)
MACHINERY = sorted(name for name in SOURCES if not ON_TOP.fullmatch(name))

STATEMENT = re.compile(
    r"""(?xs)
    ^ \s* (SELECT | WITH | INSERT | UPDATE | DELETE | MERGE | COPY | TRUNCATE | LOCK | EXPLAIN
        | PREPARE | CREATE | ALTER | DROP | GRANT | REVOKE | COMMENT | SET) \s
    | (?i: \b (select\b .+ \bfrom | insert \s+ into | delete \s+ from | update \s+ \S+ \s+ set) \b )
    """
)
SQL_OF_THE_MACHINERY = {
    "dal/database/connection.py": "what a borrower may have left",
    "dal/database/database.py": "ping wants an answer, whatever it is",
    "dal/database/transaction.py": "no policy may hide rows from what is done over all owners",
    "dal/maintenance/batches.py": "how long a batch may wait for a lock",
    "dal/database/pooler.py": "the server's process id tells a pooler",
    "dal/demo/play.py": "the demo makes and drops a database",
    "dal/ping.py": "the server's version and role",
    "dal/catalog/locks.py": "what a rolled-back transaction has locked and rewritten",
    "dal/catalog/schema.py": "tables, columns, keys and indexes in the catalogue",
    "dal/check/server/routines.py": "functions, operators, casts and types in the catalogue",
    "dal/check/server/tables.py": "tables, views and their columns in the catalogue",
    "dal/check/server/explain.py": "EXPLAIN of a statement's file",
    "dal/check/rules/indexes.py": "foreign keys and indexes in the catalogue",
    "dal/check/fill/__init__.py": "whether a table has rows",
    "dal/check/fill/choices.py": "made-up values, tried against CHECKs",
    "dal/check/fill/insert.py": "made-up rows",
    "dal/check/fill/tables.py": "columns, keys and CHECKs in the catalogue",
    "dal/migrate/grants.py": "tables that are not dal's",
    "dal/testing/server.py": "databases for tests",
    "dal/project/distributed/update_types.py": "the types of a statement's parts, prepared only",
    "dal/check/server/catalog.py": "types, CHECKs, sizes and indexes in the catalogue",
    "dal/check/run.py": "a read-only transaction",
    "dal/check/server/samples.py": "what the planner knows of the columns",
    "dal/project/distributed/inserts.py": "the defaults of columns, and how volatile functions are",
    "dal/project/distributed/volatile.py": "how volatile functions, operators and casts are",
    "dal/migrate/baseline.py": "the ownership comments of tables that lost them",
    "dal/migrate/comparison.py": "a schema to build in, for the comparison",
    "dal/migrate/indexes.py": "INVALID indexes, built again; the index that was meant",
    "dal/migrate/ledger.py": "yoyo's own tables, read without its lock, and written as one",
    "dal/migrate/session.py": "the advisory lock, the server's kind, who is in the way",
    "dal/migrate/settings.py": "what a session has to be set to",
    "dal/migrate/watch.py": "for whom a statement waits",
    "dal/migrate/create.py": "the beginnings of a new migration",
    "dal/stats/findings.py": "commands for a person to run",
    "dal/stats/unseen.py": "commands for a person to run",
    "dal/jsonl/importing.py": "settings of an import's transaction",
}

# asyncpg's and psycopg's methods whose first argument is SQL.
SENDING = {"fetch", "fetchrow", "fetchval", "fetchmany", "execute", "executemany"}
SENDING |= {"prepare", "cursor", "copy_from_query"}
# What is sent though it is no literal, apart from those who run migrations or what files write, and
# who prepare and explain the statements of files.
APART = ("dal/migrate/", "dal/distribute/", "dal/catalog/", "dal/check/")
PASSED_ON = {
    ("dal/binding/binding.py", "text"): "the text of a file",
    ("dal/database/session.py", "NEW_CONNECTION"): "the text of a file",
    ("dal/database/connection.py", "query"): "a borrower's",
    ("dal/database/database.py", "query"): "the caller's",
    ("dal/database/transaction.py", "query"): "the caller's",
    (
        "dal/maintenance/batches.py",
        "REFUSE_HIDDEN_ROWS",
    ): "the constant of dal/database/transaction.py",
    ("dal/jsonl/exporting.py", "REFUSE_HIDDEN_ROWS"): "the same",
    ("dal/jsonl/importing.py", "setting"): "settings of an import's transaction",
    ("dal/testing/server.py", "statement"): "a database for a test, with a name of its own making",
    ("dal/testing/server.py", "query"): "what a server says of itself",
    ("dal/demo/play.py", "statement"): "the demo's database, with a name of its own making",
}


def run(*command: str) -> str:
    return subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout


def imports(name: str) -> Iterator[str]:
    """Full names of what a module imports: `dal.errors.DalError`."""
    package = ".".join(Path(name).parent.parts)
    for node in ast.walk(ast.parse(SOURCES[name])):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = resolve_name("." * node.level + (node.module or ""), package)
            yield from (f"{module}.{alias.name}" for alias in node.names)


def statements(name: str) -> list[str]:
    """A module's strings that look like SQL, apart from docstrings."""
    nodes = list(ast.walk(ast.parse(SOURCES[name])))
    docstrings = [node.value for node in nodes if isinstance(node, ast.Expr)]
    constants = [node for node in nodes if isinstance(node, ast.Constant)]
    texts = [str(node.value) for node in constants if node not in docstrings]
    texts += [ast.unparse(node)[2:-1] for node in nodes if isinstance(node, ast.JoinedStr)]
    return [text for text in texts if STATEMENT.search(text)]


def sent(source: str) -> Iterator[ast.expr]:
    """What a module sends as SQL: `db.fetch(SQL)`, or `translated(db.fetch, SQL)`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            arguments = [*node.args, *(keyword.value for keyword in node.keywords)]
            for method, sql in zip([node.func, *arguments], arguments, strict=False):
                if isinstance(method, ast.Attribute) and method.attr in SENDING:
                    yield sql


def literals(source: str) -> dict[str, str]:
    """A module's constants that are plain strings, and bound only once."""
    tree = ast.parse(source)
    bound = [node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)]
    bound += [
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    ]
    return {
        node.targets[0].id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and bound.count(node.targets[0].id) == 1
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    }


def built(source: str) -> list[str]:
    """What a module sends as SQL that does not stand in it as one string, for anyone to read."""
    plain = literals(source)
    texts = [ast.unparse(sql) for sql in sent(source) if not isinstance(sql, ast.Constant)]
    return [text for text in texts if text not in plain]


@pytest.mark.skipif(not (CHECKOUT / ".git").exists(), reason="not a git checkout")
def test_top_level_is_what_a_reader_should_see() -> None:
    files = run("git", "ls-files").splitlines()
    top_level = {file.partition("/")[0] for file in files}
    assert {name for name in top_level if not name.startswith(".")} == set(TOP_LEVEL.split())


def test_modules_are_short() -> None:
    lines = {name: len(source.splitlines()) for name, source in SOURCES.items()}
    assert {name: count for name, count in lines.items() if count > 270} == {}


@pytest.mark.parametrize("name", MACHINERY)
def test_machinery_does_not_know_the_domain(name: str) -> None:
    above = {"dal"} | {f"dal.{export}" for export in dal.__all__} - {"dal.errors"}
    assert [module for module in imports(name) if ".".join(module.split(".")[:2]) in above] == []


def test_sql_stands_in_files() -> None:
    statements_of = {name: statements(name) for name in SOURCES}
    assert {name for name in statements_of if statements_of[name]} == set(SQL_OF_THE_MACHINERY)
    for name, source in SOURCES.items():
        constants = literals(source)
        statements_of[name] += [
            constants.get(text, text) for text in map(ast.unparse, sent(source))
        ]
    on_our_tables = re.compile(rf"\b({'|'.join(DOMAIN)})\b", re.IGNORECASE)
    assert [
        sql for name in statements_of for sql in statements_of[name] if on_our_tables.search(sql)
    ] == []


@pytest.mark.parametrize("path", sorted((CHECKOUT / "sql").rglob("*.sql")), ids=lambda p: p.stem)
def test_each_array_that_is_sent_is_read(path: Path) -> None:
    text = re.sub("--.*", "", path.read_text(encoding="utf-8"))
    # The record is that of add_tasks.sql as well.
    used = {"updated_at"} if path.stem == "compare_tasks" else set()
    used |= {name for name in re.findall(r"\w+", text) if len(re.findall(rf"\b{name}\b", text)) > 1}
    for columns in re.findall(r"AS given \(([^)]*)\)", text):
        assert {*columns.split(", ")} <= used


def test_sql_that_is_sent_is_not_built() -> None:
    places = {
        (name, text)
        for name, source in SOURCES.items()
        if not name.startswith(APART)
        for text in built(source)
    }
    assert places == set(PASSED_ON)


@pytest.mark.parametrize(
    "source",
    [
        'db.fetch(f"SELECT id FROM {table}")',
        'db.fetch("SELECT id FROM " + table)',
        'db.fetch("SELECT id FROM %s" % table)',
        'db.fetch("SELECT id FROM {}".format(table))',
        'db.fetch(" ".join(["SELECT", "id", "FROM", table]))',
        'db.fetch(Template("SELECT id FROM $t").substitute(t=table))',
        'db.fetch("SELECT id FROM messages".replace("messages", table))',
        'connection.execute(query="DELETE FROM " + table)',
        'sql = "SELECT id"\nsql += " FROM messages"\ndef f(): db.fetch(sql)',
        'SQL = "SELECT id FROM " + TABLE\nasync def f(): await db.fetchval(SQL, 1)',
        'async def f():\n    sql = "SELECT id"\n    await translated(db.execute, sql)',
    ],
)
def test_sql_that_is_built_is_found(source: str) -> None:
    assert built(source)


def test_make_help_lists_every_target() -> None:
    phony = re.search(r"^\.PHONY:(.*)$", (CHECKOUT / "Makefile").read_text(), re.MULTILINE)
    assert phony
    listed = re.findall(r"^  make (\S+) +\S", run("make", "help"), re.MULTILINE)
    assert sorted(listed) == sorted(phony[1].split())


def test_verifying_migrations_writes_nothing() -> None:
    assert "--freeze" in run("make", "--dry-run", "lint-migrations", "ARGS=--freeze")
    assert "--freeze" not in run("make", "--dry-run", "verify-migrations", "ARGS=--freeze")


def test_a_package_has_one_bound() -> None:
    extras = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    bounds = defaultdict(set)
    for needed in extras["optional-dependencies"].values():
        for name, bound in (
            re.split(r"(?=[<>=])", each, maxsplit=1) for each in needed if ">" in each
        ):
            bounds[name.partition("[")[0]].add(bound)
    # pytest's plugin runs with older ones than the tests.
    assert [name for name in bounds if len(bounds[name]) > 1] == ["pytest"]


def test_ci_script_is_bash() -> None:
    run("bash", "-n", ".ci/run")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_have_what_they_need(name: str) -> None:
    """Besides file and stub: its place on the pages, and in the tests that call all functions."""
    needed = {
        "dal/README.md": rf"\| `{name}` \|",
        "sql/CATALOG.md": rf"### {name}\n",  # `make catalog` writes it
        "tests/check/reads.py": rf'"{name}": Reads\(',
        "tests/order/memory.py": rf"def {name.replace('.', '_')}\(",
        "tests/pooler/load.py": rf"\b{name}\b",
    }
    texts = {file: (CHECKOUT / file).read_text(encoding="utf-8") for file in needed}
    assert {file: line for file, line in needed.items() if not re.search(line, texts[file])} == {}


def test_the_map_of_the_tests_is_complete() -> None:
    page = (CHECKOUT / ".github/CONTRIBUTING.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `([a-z]+)` \| .+ \|$", page, re.MULTILINE)
    modules = (path.relative_to(CHECKOUT / "tests") for path in CHECKOUT.glob("tests/*/**/*.py"))
    assert listed == sorted({module.parts[0] for module in modules})


@pytest.mark.parametrize("name", ABSENT)
def test_what_a_cluster_leaves_out_is_there(name: str) -> None:
    path, _, test = name.partition("::")
    function, _, parameter = test.partition("[")
    assert (CHECKOUT / "tests" / path).exists()
    if function:
        text = (CHECKOUT / "tests" / path).read_text(encoding="utf-8")
        assert f"def {function}(" in text
        assert parameter in text
