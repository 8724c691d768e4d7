"""What lint refuses, file by file, and that a run refuses the same before it applies anything."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from dal import migrate
from dal.errors import ConfigurationError, InvalidInputError
from dal.migrate import Folder, manifest
from dal.paths import MIGRATIONS
from tests.migrations.database import AFTER, LAST, NEXT, Add

NOWHERE = "postgresql://127.0.0.1:1/nowhere"  # what is refused is refused before anyone connects
ADD = "ALTER TABLE tasks ADD COLUMN due timestamptz"
DROP = "ALTER TABLE tasks DROP COLUMN due"
INDEX = "CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_due ON tasks (user_id)"
NO_INDEX = "DROP INDEX CONCURRENTLY IF EXISTS idx_due"
APART = "-- transactional: false\n"


def problems(folder: Path) -> list[str]:
    return [str(finding) for finding in migrate.lint(Folder(folder))]


def test_the_projects_own_are_fit() -> None:
    assert problems(MIGRATIONS) == []


def test_new_ones_are_fit_once_they_are_frozen(folder: Path, add: Add) -> None:
    add(f"{NEXT}.due", "-- Why.\n" + ADD, DROP)
    add(f"{AFTER}.index", f"-- depends: {NEXT}.due\n" + APART + INDEX, NO_INDEX)
    unfrozen = [f"{NEXT}.due.rollback", f"{NEXT}.due", f"{AFTER}.index.rollback", f"{AFTER}.index"]
    sentence = "not in SHA256SUMS: freeze it with `dal lint-migrations --freeze`"
    assert problems(folder) == [f"{name}.sql:1: {sentence}" for name in unfrozen]
    assert migrate.freeze(Folder(folder)) == [f"{name}.sql" for name in unfrozen]
    assert problems(folder) == []
    assert migrate.freeze(Folder(folder)) == []


def test_a_manifest_with_a_conflict_in_it(folder: Path) -> None:
    file = folder / manifest.NAME
    file.write_text(f"<<<<<<< HEAD\n{file.read_text()}=======\nb\n")
    lines = [1, file.read_text().count("\n") - 1, file.read_text().count("\n")]
    sentence = "is not a checksum and a name: restore it from git"
    assert problems(folder) == [f"SHA256SUMS:{line}: {sentence}" for line in lines]
    with pytest.raises(ConfigurationError, match="SHA256SUMS, line 1: is not a checksum"):
        migrate.freeze(Folder(folder))


def test_a_folder_without_migrations(tmp_path: Path) -> None:
    assert problems(tmp_path) == [f"{tmp_path.name}:1: no migrations found"]


TWO = f"{INDEX};\nCREATE INDEX CONCURRENTLY IF NOT EXISTS idx_two ON tasks (id)"


@pytest.mark.parametrize(
    ("up", "down", "finding"),
    [
        (ADD, "", "due.rollback.sql:1: has no statement"),
        (ADD, "-- nothing to do", "due.rollback.sql:1: has no statement"),
        ("-- later", DROP, "due.sql:1: has no statement"),
        ("-- transactionl: false\n" + INDEX, NO_INDEX, "due.sql:1: `transactionl` is not read"),
        ("-- Transactional: false\n" + INDEX, NO_INDEX, "due.sql:1: `Transactional` is not read"),
        ("-- transactional = false\n" + INDEX, NO_INDEX, "due.sql:1: `transactional` is not read"),
        ("-- transactional false\n" + INDEX, NO_INDEX, "due.sql:1: `transactional` is not read"),
        ("/* transactional: false */\n" + INDEX, NO_INDEX, "due.sql:1: `transactional` is not"),
        (f"-- Why.\n-- depend: {LAST}\n" + ADD, DROP, "due.sql:2: `depend` is not read"),
        ("-- timeout: 5\n" + ADD, DROP, "due.sql:1: `timeout` is not a directive; the"),
        ("-- transactional: no\n" + ADD, DROP, "due.sql:1: `transactional` is written once, as"),
        (APART * 2 + INDEX, NO_INDEX, "due.sql:2: `transactional` is written once"),
        ("-- depends: 0009.x\n" + ADD, DROP, "due.sql:1: `depends` names a migration that is not"),
        (f"-- depends: {NEXT}.due\n" + ADD, DROP, "due.sql:1: `depends` names a migration that is"),
        (ADD + ";\n-- depends: 0001.users", DROP, "due.sql:2: `depends` must stand above the"),
        (ADD, APART + DROP, "due.rollback.sql:1: `transactional` belongs in the file that"),
        ("BEGIN;\n" + ADD, DROP, "due.sql:1: remove BEGIN, COMMIT and the like"),
        (ADD + ";\ncommit", DROP, "due.sql:2: remove BEGIN, COMMIT and the like"),
        (ADD, "start transaction;\n" + DROP, "due.rollback.sql:1: remove BEGIN"),
        ("-- Why.\n/* so */ Begin;\n" + ADD, DROP, "due.sql:2: remove BEGIN"),
        ("SAVEPOINT a;\n" + ADD, DROP, "due.sql:1: remove BEGIN"),
        (INDEX, NO_INDEX, "due.sql:1: CONCURRENTLY needs `-- transactional: false` at the top"),
        (APART + ADD, NO_INDEX, "due.sql:2: outside a transaction, only CREATE INDEX"),
        (APART + INDEX, DROP, "due.rollback.sql:1: outside a transaction, only"),
        (
            APART + INDEX.replace("IF NOT EXISTS ", ""),
            NO_INDEX,
            "due.sql:2: outside a transaction, only CREATE INDEX CONCURRENTLY IF NOT EXISTS",
        ),
        (APART + TWO, NO_INDEX, "due.sql:3: a second statement: outside a transaction a file"),
    ],
)
def test_a_finding_and_its_place(folder: Path, add: Add, up: str, down: str, finding: str) -> None:
    add(f"{NEXT}.due", up, down)
    migrate.freeze(Folder(folder))
    listed = problems(folder)
    assert any(problem.startswith(f"{NEXT}.{finding}") for problem in listed), listed
    assert {problem.partition(":")[0] for problem in listed} <= {
        f"{NEXT}.due.sql",
        f"{NEXT}.due.rollback.sql",
    }
    with pytest.raises(ConfigurationError, match="not fit to be run") as refused:
        migrate.apply(NOWHERE, folders=[Folder(folder)])
    assert all(problem in str(refused.value) for problem in listed)


def rename(old: str, new: str) -> Callable[[Path], object]:
    return lambda folder: (folder / old).rename(folder / new)


def encode(name: str, encoding: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes("SELECT 'é'".encode(encoding))


def write(name: str, text: str = "SELECT 1;\n") -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_text(text)


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        (
            lambda folder: (folder / f"{NEXT}.due.rollback.sql").unlink(),
            "due.rollback.sql:1: missing",
        ),
        (
            lambda folder: (folder / f"{NEXT}.due.sql").unlink(),
            "due.rollback.sql:1: rolls back",
        ),
        (encode(f"{NEXT}.due.sql", "utf-8-sig"), "due.sql:1: begins with a byte-order mark"),
        (
            encode(f"{NEXT}.due.rollback.sql", "utf-16"),
            "due.rollback.sql:1: begins with a byte-order",
        ),
        (encode(f"{NEXT}.due.sql", "latin-1"), "due.sql:1: is not UTF-8"),
        (write("0099.gap.sql"), "0099.gap.sql:1: out of sequence: the number after the last is"),
        (
            write(f"{NEXT}.again.sql"),
            f"{NEXT}.due.sql:1: out of sequence: the number after the last",
        ),
        (write("post-apply.sql"), "post-apply.sql:1: yoyo would take it for a migration"),
        (write(f"{AFTER}.Due.sql"), f"{AFTER}.Due.sql:1: yoyo would take it for a migration"),
        (write("tool.py", "import os\n"), "tool.py:1: yoyo would take it for a migration"),
    ],
)
def test_a_wrong_folder(
    folder: Path, add: Add, change: Callable[[Path], object], finding: str
) -> None:
    add(f"{NEXT}.due", ADD, DROP)
    change(folder)
    listed = problems(folder)
    assert any(re.match(rf"({NEXT}\.)?{re.escape(finding)}", problem) for problem in listed), listed
    with pytest.raises(ConfigurationError, match="not fit to be run"):
        migrate.apply(NOWHERE, folders=[Folder(folder)])


def test_the_kin_of_begin_and_commit(folder: Path, add: Add) -> None:
    kin = ["END", "ROLLBACK", "ABORT", "RELEASE a", "PREPARE TRANSACTION 'a'", "START TRANSACTION"]
    add(f"{NEXT}.due", ";\n".join(kin), DROP)
    listed = [problem for problem in problems(folder) if "remove BEGIN" in problem]
    assert [problem.split(": ")[0] for problem in listed] == [
        f"{NEXT}.due.sql:{n}" for n in range(1, 7)
    ]


def test_all_findings_are_told(folder: Path, add: Add) -> None:
    add(f"{NEXT}.due", "COMMIT", "")
    add(f"{AFTER}.more", f"-- depend: {LAST}\nBEGIN", "")
    listed = [problem for problem in problems(folder) if "SHA256SUMS" not in problem]
    assert [problem.split(": ")[0] for problem in listed] == [
        f"{NEXT}.due.rollback.sql:1",
        f"{NEXT}.due.sql:1",
        f"{AFTER}.more.rollback.sql:1",
        f"{AFTER}.more.sql:1",
        f"{AFTER}.more.sql:2",
    ]


def test_prose_is_no_directive(folder: Path, add: Add) -> None:
    head = (
        "-- due: when it must be done\n"
        "-- transactions that are open delay this one; it\n"
        "-- depends on nothing. Note: no index\n"
    )
    add(f"{NEXT}.due", head + ADD, DROP)
    migrate.freeze(Folder(folder))
    assert problems(folder) == []


# The manifest


def test_an_edited_file_is_found_and_not_frozen_again(folder: Path) -> None:
    file = folder / "0003.conversations.sql"
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    assert problems(folder) == []  # git on Windows
    file.write_text(file.read_text() + "-- reworded\n")
    [finding] = problems(folder)
    assert finding.startswith("0003.conversations.sql:1: edited since SHA256SUMS froze it")
    with pytest.raises(ConfigurationError, match=r"0003.conversations.sql: edited or removed"):
        migrate.freeze(Folder(folder))
    with pytest.raises(ConfigurationError, match="edited since"):
        migrate.apply(NOWHERE, folders=[Folder(folder)])


def test_removed_files_are_found(folder: Path) -> None:
    for file in folder.glob(f"{LAST}.*"):
        file.unlink()
    assert [problem.split(": ")[1] for problem in problems(folder)] == [
        "removed, but frozen in SHA256SUMS"
    ] * 2


def test_an_overtaken_number_is_found(folder: Path, add: Add) -> None:
    add(f"{LAST[:4]}.other", ADD, DROP)
    [first, *_] = [problem for problem in problems(folder) if "SHA256SUMS" not in problem]
    assert first.startswith(
        f"{LAST[:4]}.other.sql:1: out of sequence: the number after the last is {NEXT}"
    )


def test_coreutils_read_the_manifest(folder: Path) -> None:
    lines = (folder / manifest.NAME).read_text().splitlines()
    assert len(lines) == len(list(folder.glob("*.sql")))
    assert lines == sorted(lines, key=lambda line: line.split()[1])
    assert all(
        re.fullmatch(r"[0-9a-f]{64}  \d{4}\.[a-z-]+(\.rollback)?\.sql", line) for line in lines
    )


# New ones


@pytest.mark.parametrize("concurrent", [False, True])
def test_a_new_pair_continues_the_sequence(folder: Path, concurrent: bool) -> None:
    up, down = migrate.create("due_dates", concurrent=concurrent, folder=Folder(folder))
    assert (up.name, down.name) == (f"{NEXT}.due_dates.sql", f"{NEXT}.due_dates.rollback.sql")
    assert up.read_text().startswith(f"-- depends: {LAST}\n")
    assert [problem for problem in problems(folder) if "SHA256SUMS" not in problem] == []
    migrate.create("more", folder=Folder(folder))
    assert (folder / f"{AFTER}.more.sql").read_text().startswith(f"-- depends: {NEXT}.due_dates\n")


@pytest.mark.parametrize("title", ["", "Due", "due dates", "../due", "due.sql"])
def test_a_title_becomes_a_files_name(folder: Path, title: str) -> None:
    before = sorted(folder.iterdir())
    with pytest.raises(InvalidInputError, match="lower-case letters"):
        migrate.create(title, folder=Folder(folder))
    assert sorted(folder.iterdir()) == before
