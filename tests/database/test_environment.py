"""What the environment adds to an address: libpq's rules, the same for both drivers."""

import os
import pwd
import socket
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from psycopg import pq

from dal.database import environment, passfile
from dal.database.address import Address
from dal.errors import ConfigurationError

AT_H = "postgresql://u@h/d"


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("PG")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(environment, "_SOCKETS", ())


def both(url: str) -> tuple[Any, Any]:
    """What asyncpg and psycopg are given."""
    address = Address.parse(url)
    return address.for_asyncpg(), address.for_psycopg()


def test_every_variable_of_libpq_is_decided() -> None:
    listed = {option.envvar.decode() for option in pq.Conninfo.get_defaults() if option.envvar}
    # Those that its documentation lists besides, up to PostgreSQL 18.
    listed |= {"PGSERVICEFILE", "PGREQUIRESSL", "PGDATESTYLE", "PGTZ", "PGGEQO"}
    listed |= {"PGSYSCONFDIR", "PGLOCALEDIR"}
    without_effect = {"PGCLIENTENCODING", "PGSERVICEFILE", "PGSYSCONFDIR", "PGLOCALEDIR"}
    assert {*environment.VARIABLES, *environment._SESSION} == listed - without_effect


@pytest.mark.parametrize(
    ("variable", "url", "same"),
    [
        ("PGHOST=g", "postgresql://u@/d", "postgresql://u@g/d"),
        ("PGHOST=a,b", "postgresql://u@/d", "postgresql://u@a,b/d"),
        ("PGHOST=/tmp/x", "postgresql://u@/d", "postgresql://u@/d?host=/tmp/x"),
        ("PGPORT=7", AT_H, "postgresql://u@h:7/d"),
        ("PGDATABASE=e", "postgresql://u@h", "postgresql://u@h/e"),
        ("PGUSER=v", "postgresql://h/d", "postgresql://v@h/d"),
        ("PGPASSWORD=p@ss", AT_H, "postgresql://u:p%40ss@h/d"),
        ("PGPASSFILE=/nowhere", AT_H, f"{AT_H}?passfile=/nowhere"),
        ("PGOPTIONS=-c work_mem=1MB", AT_H, f"{AT_H}?options=-c%20work_mem%3D1MB"),
        ("PGAPPNAME=app", AT_H, f"{AT_H}?application_name=app"),
        ("PGSSLMODE=require", AT_H, f"{AT_H}?sslmode=require"),
        ("PGSSLROOTCERT=/x/ca", AT_H, f"{AT_H}?sslrootcert=/x/ca"),
        ("PGSSLROOTCERT=system", AT_H, f"{AT_H}?sslrootcert=system"),
        ("PGSSLCERT=c", AT_H, f"{AT_H}?sslcert=c"),
        ("PGSSLKEY=k", AT_H, f"{AT_H}?sslkey=k"),
        ("PGSSLCRL=l", AT_H, f"{AT_H}?sslcrl=l"),
        ("PGSSLMINPROTOCOLVERSION=TLSv1.3", AT_H, f"{AT_H}?ssl_min_protocol_version=TLSv1.3"),
        ("PGSSLMAXPROTOCOLVERSION=TLSv1.2", AT_H, f"{AT_H}?ssl_max_protocol_version=TLSv1.2"),
        ("PGCHANNELBINDING=prefer", AT_H, f"{AT_H}?channel_binding=prefer"),
        ("PGCONNECT_TIMEOUT=7", AT_H, f"{AT_H}?connect_timeout=7"),
        ("PGTARGETSESSIONATTRS=primary", AT_H, f"{AT_H}?target_session_attrs=primary"),
        ("PGKRBSRVNAME=pg", AT_H, f"{AT_H}?krbsrvname=pg"),
        ("PGDATESTYLE=German", AT_H, f"{AT_H}?datestyle=German"),
        ("PGTZ=Asia/Tokyo", AT_H, f"{AT_H}?timezone=Asia/Tokyo"),
        # Neither says anything.
        ("PGTZ=default", AT_H, AT_H),
        ("PGPASSWORD=", AT_H, AT_H),
        ("PGHOST=", AT_H, AT_H),
        ("PGCLIENTENCODING=latin1", AT_H, AT_H),
        ("PGSERVICEFILE=/x/services", AT_H, AT_H),
        # What an address says is not asked of the environment.
        ("PGPORT=7", "postgresql://u@h:8/d", "postgresql://u@h:8/d"),
        ("PGSSLMODE=nonsense", f"{AT_H}?sslmode=allow", f"{AT_H}?sslmode=allow"),
    ],
)
def test_a_variable_is_as_good_as_the_parameter(
    variable: str, url: str, same: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = both(same)
    name, _, value = variable.partition("=")
    monkeypatch.setenv(name, value)
    assert both(url) == expected
    again = Address.parse(url)
    assert both(again.of_database(again.parameters["dbname"])) == expected


@pytest.mark.parametrize(
    ("variable", "sentence"),
    [
        ("PGSERVICE=chat", "PGSERVICE can't be used; write what the file says into the address"),
        ("PGHOSTADDR=127.0.0.1", "PGHOSTADDR can't be used; asyncpg can't keep it apart"),
        ("PGREQUIREAUTH=md5", "PGREQUIREAUTH can't be used"),
        ("PGREQUIREPEER=postgres", "PGREQUIREPEER can't be used"),
        ("PGREQUIRESSL=1", "PGREQUIRESSL can't be used; ask for TLS with sslmode=require"),
        ("PGSSLCRLDIR=/x", "PGSSLCRLDIR can't be used"),
        ("PGGSSENCMODE=require", "PGGSSENCMODE must be disable or prefer"),
        ("PGSSLMODE=on", "PGSSLMODE must be disable or allow or prefer or require"),
        ("PGSSLMODE=", "PGSSLMODE is empty; unset it"),
        ("PGLOADBALANCEHOSTS=random", "PGLOADBALANCEHOSTS must be disable"),
        ("PGCONNECT_TIMEOUT=soon", "PGCONNECT_TIMEOUT must be a whole number"),
        ("PGPASSWORD=hunter2\udcff", "PGPASSWORD must be UTF-8"),
        ("PGPORT=hunter2", "the database address with PGPORT is wrong: port must be a number"),
        ("PGCHANNELBINDING=require", "with PGCHANNELBINDING is wrong: channel_binding=require"),
    ],
)  # fmt: skip
def test_a_variable_that_both_cannot_keep_to_is_refused_by_its_name(
    variable: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, _, value = variable.partition("=")
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError) as caught:
        Address.parse(AT_H)
    assert sentence in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_the_user_is_the_processs_own(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOGNAME", "USER"):  # asyncpg's own look at these first, libpq at neither
        monkeypatch.setenv(name, "somebody-else")
    name = pwd.getpwuid(os.geteuid()).pw_name
    [mine], libpqs = both("postgresql://h")
    assert (mine["user"], mine["database"]) == (name, name)
    assert (libpqs["user"], libpqs["dbname"]) == (name, name)


def test_a_user_without_a_name_is_asked_for_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 4_242_424)
    with pytest.raises(ConfigurationError, match=r"it names no user.* write user@ before the host"):
        Address.parse("postgresql://h/d")
    assert Address.parse(AT_H).parameters["user"] == "u"


def test_without_a_host_it_is_the_socket_that_is_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    empty, full = tmp_path / "empty", tmp_path / "full"
    for folder in (empty, full):
        folder.mkdir()
    monkeypatch.setattr(environment, "_SOCKETS", (str(empty), str(full)))
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(full / ".s.PGSQL.5432"))
        assert Address.parse("postgresql://u@/d").hosts == [(str(full), 5432)]
    assert Address.parse("postgresql://u@:7/d").hosts == [("localhost", 7)]


FILE = r"""
# h:5432:d:u:a comment
other:5432:d:u:wrong
h:5432:d
h:5433:*:*:by port
h:*:d:u:back\\slash\:colon:rest
*:*:*:escaped\:user:found
localhost:*:*:*:by socket
"""


@pytest.mark.parametrize(
    ("host", "port", "user", "password"),
    [
        ("h", 5432, "u", r"back\slash:colon"),
        ("h", 5433, "u", "by port"),
        ("g", 1, "escaped:user", "found"),
        ("g", 1, "u", None),
        ("localhost", 1, "u", "by socket"),
    ],
)
def test_the_password_file_is_read_as_libpq_reads_it(
    host: str, port: int, user: str, password: str | None, tmp_path: Path
) -> None:
    file = tmp_path / "pass word"
    file.write_text(FILE)
    file.chmod(0o600)
    url = f"postgresql://{quote(user)}@{host}:{port}/d?passfile={quote(str(file))}"
    [mine], libpqs = both(url)
    assert (mine["password"] or None, libpqs.get("password")) == (password, password)
    own = f"host={host} port={port} user={user} dbname=d passfile='{file}'"
    assert (pq.PGconn.connect_start(own.encode()).password or b"").decode() == (password or "")


def test_a_sockets_directory_is_localhost_to_the_password_file(tmp_path: Path) -> None:
    (tmp_path / ".pgpass").write_text("localhost:*:*:*:found\n")  # where it is looked for
    (tmp_path / ".pgpass").chmod(0o600)
    [mine], libpqs = both("postgresql://u@/d?host=/run/postgresql")
    assert (mine["password"], libpqs["password"]) == ("found", "found")


def test_hosts_with_a_password_each(tmp_path: Path) -> None:
    file = tmp_path / "passwords"
    file.write_text("a:*:*:*:first\nb:*:*:*:second\n")
    file.chmod(0o600)
    mine, libpqs = both(f"postgresql://u@a,b/d?passfile={file}")
    assert [host["password"] for host in mine] == ["first", "second"]
    assert (libpqs.get("password"), libpqs["passfile"]) == (None, str(file))


def test_a_password_file_that_others_may_read_is_left_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "passwords"
    file.write_text("*:*:*:*:found\n")
    file.chmod(0o640)
    assert passfile.password(str(file), host="h", port=1, database="d", user="u") is None
    assert f"{file} is not used, because others may read it: chmod 600 it" in caplog.text
