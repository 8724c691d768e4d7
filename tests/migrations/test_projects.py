"""Migrations of a service beside dal's: what they depend on, and what lint and the manifest say."""

import subprocess
from pathlib import Path

import pytest

from dal import errors, migrate
from dal.migrate import OWN, Folder
from tests.migrations.database import IDS, LAST


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "migrations", "shop", OWN)


def write(folder: Folder, name: str, head: str = "") -> None:
    folder.path.mkdir(exist_ok=True)
    (folder.path / f"{name}.sql").write_text(f"{head}-- A table.\n\nCREATE TABLE a ();\n")
    (folder.path / f"{name}.rollback.sql").write_text("-- None.\n\nDROP TABLE a;\n")


def problems(folder: Folder) -> list[str]:
    return [str(finding) for finding in migrate.lint(folder, frozen=False)]


def test_the_first_file_and_the_next(folder: Folder) -> None:
    for number, title in (("0001", "orders"), ("0002", "due")):
        up, _ = migrate.create(title, folder=folder)
        assert up.name == f"{number}.{title}.sql"
        assert up.read_text().startswith(f"-- depends: dal {LAST}\n--\n")
    assert not (folder.path / "SHA256SUMS").exists()


def test_what_a_file_depends_on(folder: Folder) -> None:
    write(folder, "0001.a", "-- depends: dal 0002.tasks\n--\n")
    write(folder, "0002.b", "-- depends: 0001.a\n--\n")
    assert problems(folder) == []
    assert [folder.depends(name) for name in folder.names] == ["0002.tasks", LAST]
    migrate.freeze(folder)
    assert f"# 0002.b depends on dal {LAST}\n" in (folder.path / "SHA256SUMS").read_text()
    # dal has a later one now; coreutils passes over the comments.
    manifest = folder.path / "SHA256SUMS"
    manifest.write_text(manifest.read_text().replace(f"dal {LAST}", "dal 0004.messages"))
    assert folder.depends("0002.b") == "0004.messages"
    assert problems(folder) == []
    write(folder, "0003.c")
    migrate.freeze(folder)
    assert "# 0002.b depends on dal 0004.messages\n" in manifest.read_text()
    subprocess.run(["sha256sum", "--check", "--quiet", manifest.name], cwd=folder.path, check=True)


@pytest.mark.parametrize(
    ("head", "message"),
    [
        (
            "-- depends: dal 0999.later\n--\n",
            f"needs dal 0999.later, but this dal's newest is {LAST}",
        ),
        (
            "-- depends: 0002.tasks\n--\n",
            "`depends` names a migration that is not before this one; earlier: none",
        ),
        (
            "-- depends: dal\n--\n",
            "`depends` names a migration that is not before this one; earlier: none",
        ),
    ],
)
def test_what_is_not_there(folder: Folder, head: str, message: str) -> None:
    write(folder, "0001.a", head)
    assert message in "".join(problems(folder))


def test_a_plain_projects_files_know_no_dal(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "m", "tool")
    write(folder, "0001.a", "-- depends: dal 0002.tasks\n--\n")
    assert "names a migration that is not before this one" in "".join(problems(folder))
    assert folder.depends("0001.a") is None


def test_an_empty_folder(folder: Folder, empty_database: str) -> None:
    with pytest.raises(migrate.UnfitError, match="write the first with `dal new NAME`"):
        migrate.apply(empty_database, folders=[OWN, folder])


def test_bare_numbers_are_the_last_folders(folder: Folder, empty_database: str) -> None:
    write(folder, "0001.a")
    folders = [OWN, folder]
    done = migrate.apply(empty_database, folders=folders, to="0001")
    assert [step.id for step in done] == [*IDS, "shop/0001.a"]
    for wanted in ("0001", "shop/0001", "shop 0001.a", "shop/0001.a", "0000"):
        expected = ["shop/0001.a"] if wanted == "0000" else []
        undone = migrate.rollback(empty_database, steps=None, to=wanted, folders=folders)
        assert [step.id for step in undone] == expected
    assert migrate.apply(empty_database, folders=folders, to="dal/0003", steps=1) == []
    with pytest.raises(errors.InvalidInputError, match="no such migration"):
        migrate.apply(empty_database, folders=folders, to="0007")
    undone = migrate.rollback(empty_database, steps=None, to="dal 0000", folders=folders)
    assert [step.id for step in undone] == IDS[::-1]


def test_what_says_nothing_of_dal_may_need_any(folder: Folder, empty_database: str) -> None:
    """As where a later dal, or yoyo alone, has marked it."""
    write(folder, "0001.a")
    migrate.apply(empty_database, folders=[OWN, Folder(folder.path, "shop")])
    with pytest.raises(errors.SchemaMismatchError, match=f"shop/0001.a needs {LAST}"):
        migrate.rollback(empty_database)
    states = migrate.status(empty_database)
    assert [(state.id, state.problem) for state in states][-1] == ("shop/0001.a", None)
