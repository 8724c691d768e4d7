"""`[tool.dal]`: what is read, and what is said of mistakes in it."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dal.binding import Queries
from dal.errors import ConfigurationError
from dal.migrate import OWN
from dal.project import loading, service

NAMED = '[tool.dal]\nname = "a"\n'
UNFIT = """
from pathlib import Path
from dal.binding import Executor, Queries
query = Queries(Path("sql"))

@query("gone.sql")
async def gone(db: Executor) -> int: ...
"""

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes a pyproject.toml into the current directory."""
    monkeypatch.chdir(tmp_path)

    def write(text: str) -> Path:
        file = tmp_path / "pyproject.toml"
        file.write_text(text)
        return file

    return write


def test_all_settings(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(
        """
        [project]
        name = "Todo.Chat"
        [tool.dal]
        queries = ["todochat.store:query"]
        migrations = "migrations"
        populate = "sql/populate.sql"
        owner = "user_id"
        owner-exceptions = { accounts = "id", currencies = false }
        header-comments = true
        distributed = true
        """
    )
    (tmp_path / "deep/down").mkdir(parents=True)
    monkeypatch.chdir("deep/down")
    settings = service.find()
    assert settings
    assert (settings.name, settings.file) == ("todo-chat", file)
    assert settings.settings.owner_exceptions == {"accounts": "id", "currencies": False}
    assert (settings.settings.header_comments, settings.settings.distributed) == (True, True)
    own, its = service.folders(settings)
    assert own is OWN
    assert (its.path, its.project, its.base) == (tmp_path / "migrations", "todo-chat", OWN)


def test_nearest_file_with_the_table(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write('[tool.dal]\nname = "outer"')
    inner = tmp_path / "inner"
    inner.mkdir()
    monkeypatch.chdir(inner)
    (inner / "pyproject.toml").write_text('[project]\nname = "inner"')
    settings = service.find()
    assert settings
    assert settings.name == "outer"


def test_without_dal(write: Write) -> None:
    write('[tool.dal]\nname = "tool"\ndal = false\nmigrations = "m"')
    (folder,) = service.folders(service.find())
    assert (folder.project, folder.base) == ("tool", None)
    (project,) = loading.projects(service.find())
    assert project.name == "tool"


def test_optional_rules(write: Write) -> None:
    def rules(settings: str) -> list[str]:
        write(f'[tool.dal]\nname = "tool"\ndal = false\n{settings}')
        (project,) = loading.projects(service.find())
        return [name for rule in project.rules for name in rule.names]

    distributed = ["one-shard", "refused-by-citus", "volatile-in-update"]
    assert rules("") == []
    assert rules("distributed = true") == distributed
    assert rules("distributed = true\nheader-comments = true") == ["header-comment", *distributed]


def test_no_file(tmp_path: Path) -> None:
    assert service.find(tmp_path) is None
    assert service.folders(None) == (OWN,)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[tool.dal", "can't be read: "),
        ("[tool.dal]", "needs a name of its own"),
        ('[tool.dal]\nname = "dal"', "needs a name of its own"),
        ('[tool.dal]\nname = "No"', "name: must be lower-case letters, digits, - and _"),
        ('[project]\nname = "My s3cret/x"\n[tool.dal]', "needs a name of its own"),
        ('[tool.dal]\nname = "a"\nmigration = "m"', "did you mean migrations?"),
        (f'{NAMED}queries = ["store"]', 'queries: must be a list like ["service.store:query"]'),
        (f'{NAMED}queries = "a.b:c"', 'queries: must be a list like ["service.store:query"]'),
        (f'{NAMED}dal = "s3cret"', "dal: must be true or false, without quotes"),
        (f'{NAMED}dal = "no"', "dal: must be true or false, without quotes"),
        (f"{NAMED}header-comments = 1", "header-comments: must be true or false"),
        (f'{NAMED}distributed = "yes"', "distributed: must be true or false"),
        (f"{NAMED}owner = 3", "owner: must be the name of a column"),
        (f"{NAMED}migrations = 3", 'migrations: must be a folder, like "migrations"'),
        (f"{NAMED}owner-exceptions = {{habits = true}}", "must give each table a column or false"),
        ("[tool]\ndal = 3", "[tool.dal]:\n  must be a table"),
    ],
)
def test_mistakes(write: Write, text: str, message: str) -> None:
    file = write(text)
    with pytest.raises(ConfigurationError) as error:
        service.find()
    assert message in str(error.value)
    assert str(file) in str(error.value)
    assert "s3cret" not in str(error.value)
    assert "Input should" not in str(error.value)


@pytest.mark.parametrize("text", ["tool = 3", "project = 3", "[tool]\nother = 3"])
def test_a_file_of_somebody_elses(write: Write, tmp_path: Path, text: str) -> None:
    write(text)
    assert service.find(tmp_path) is None


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (None, "importing shop_store fails: ModuleNotFoundError: No module named 'shop_store'"),
        ("import nowhere_at_all", "fails at shop_store.py, line 1: ModuleNotFoundError"),
        ("\nraise ValueError('s3cret')", "fails at shop_store.py, line 2: ValueError"),
        ("import sys\nsys.exit('s3cret')", "fails at shop_store.py, line 2: it ends the process"),
        ("import sys\nsys.exit(3)", "fails at shop_store.py, line 2: it ends the process"),
        (UNFIT, "BindingError: sql/gone.sql: the file does not exist"),
        ("queries = 1", "shop_store has no Queries called query; there are none"),
        (
            "from pathlib import Path\nfrom dal.binding import Queries\nsql = Queries(Path('sql'))",
            "shop_store has no Queries called query; there are sql",
        ),
    ],
)
def test_modules(
    write: Write,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    module: str | None,
    message: str,
) -> None:
    write('[tool.dal]\nname = "shop"\nqueries = ["shop_store:query"]\ndal = false')
    if module is not None:
        (tmp_path / "shop_store.py").write_text(module)
    monkeypatch.delitem(sys.modules, "shop_store", raising=False)
    with pytest.raises(ConfigurationError) as error:
        loading.projects(service.find())
    sys.modules.pop("shop_store", None)
    assert message in str(error.value)
    assert "s3cret" not in str(error.value)
    assert str(tmp_path) not in sys.path


def test_a_populate_that_is_not_there(write: Write) -> None:
    write('[tool.dal]\nname = "shop"\npopulate = "none.sql"\ndal = false')
    with pytest.raises(ConfigurationError, match=r"populate names none\.sql, which does not exist"):
        loading.projects(service.find())


@pytest.mark.parametrize("linked", [False, True], ids=["dots", "symlink"])
def test_files_that_need_no_stub_have_other_names_too(
    write: Write, tmp_path: Path, linked: bool
) -> None:
    (tmp_path / "store/sql/migrations").mkdir(parents=True)
    (tmp_path / "store/link").symlink_to("sql" if linked else ".")
    (tmp_path / "real.sql").touch()
    (tmp_path / "store/sql/populate.sql").symlink_to(tmp_path / "real.sql")
    prefix = "store/link" if linked else "store/link/../store/sql"
    write(
        '[tool.dal]\nname = "shop"\nqueries = ["shop_files:query"]\n'
        f'migrations = "{prefix}/migrations"\npopulate = "{prefix}/populate.sql"\ndal = false'
    )
    (tmp_path / "shop_files.py").write_text(
        "from pathlib import Path\nfrom dal.binding import Queries\n"
        "query = Queries(Path(__file__).parent / 'store/sql')\n"
    )
    (project,) = loading.projects(service.find())
    sys.modules.pop("shop_files", None)
    [folder] = project.statements
    assert project.needs_no_stub(folder / "populate.sql")
    assert project.needs_no_stub(folder / "migrations/0001.first.sql")
    assert not project.needs_no_stub(folder / "orders/get.sql")
    assert not project.needs_no_stub(folder)


def test_files_that_need_no_stub(write: Write, tmp_path: Path) -> None:
    write(
        '[tool.dal]\nname = "shop"\nqueries = ["shop_files:query"]\nmigrations = "sql/migrations"\n'
        'populate = "sql/populate.sql"\ndal = false'
    )
    (tmp_path / "shop_files.py").write_text(
        "from pathlib import Path\nfrom dal.binding import Queries\n"
        "query = Queries(Path(__file__).parent / 'sql')\n"
    )
    (tmp_path / "sql").mkdir()
    (tmp_path / "sql/populate.sql").touch()
    (project,) = loading.projects(service.find())
    sys.modules.pop("shop_files", None)
    assert project.statements == (tmp_path / "sql",)
    assert project.needs_no_stub(tmp_path / "sql/populate.sql")
    assert project.needs_no_stub(tmp_path / "sql/migrations/0001.first.sql")
    assert not project.needs_no_stub(tmp_path / "sql/orders/get.sql")
    assert isinstance(Queries(tmp_path).folder, Path)
