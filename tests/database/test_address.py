"""Addresses as people paste them, and what asyncpg and libpq make of them."""

import inspect
import logging
import os
import re
import ssl
from typing import Any
from urllib.parse import quote

import asyncpg
import psycopg
import pytest
from asyncpg import connect_utils
from hypothesis import given
from hypothesis import strategies as st
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from dal.database import environment, parameters
from dal.database.address import Address
from dal.database.opening import open_connection
from dal.errors import ConfigurationError


@pytest.fixture(autouse=True, scope="module")
def _bare(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Neither the environment nor the home folder adds to an address, but for the user's name."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("PG")]:
            patch.delenv(name)
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        patch.setenv("PGUSER", "os")
        patch.setattr(environment, "_SOCKETS", ())
        yield


def asyncpg_reads(url: str) -> dict[str, Any]:
    """How asyncpg understands its arguments, by its own names; of all hosts together."""
    defaults = {
        name: parameter.default
        for name, parameter in inspect.signature(asyncpg.connect).parameters.items()
    }
    known = inspect.signature(connect_utils._parse_connect_arguments).parameters
    reads: list[dict[str, Any]] = []
    for arguments in Address.parse(url).for_asyncpg():
        assert arguments.keys() <= defaults.keys()
        merged = {name: value for name, value in (defaults | arguments).items() if name in known}
        addresses, understood, _ = connect_utils._parse_connect_arguments(**merged)
        reads.append(understood._asdict() | {"timeout": arguments["timeout"]})
        reads[0].setdefault("addresses", []).extend(addresses)
    read = reads[0]
    read["sslmode"] = read["sslmode"].name
    read["password"] = read["password"] or None
    return read


def libpq_reads(url: str) -> dict[str, Any]:
    """How libpq understands the arguments for psycopg."""
    return dict(conninfo_to_dict(make_conninfo(**Address.parse(url).for_psycopg())))


H = "postgresql://h/d"
AT_H: dict[str, Any] = {
    "addresses": [("h", 5432)],
    "user": "os",
    "password": None,
    "database": "d",
    "sslmode": "prefer",
    "server_settings": {},
    "target_session_attrs": "any",
    "krbsrvname": None,
    "timeout": 30,
}


def shape(url: str, *, libpq: str | None = None, **asyncpg: Any) -> Any:
    """An address, how asyncpg's reading of it differs from that of H, and the address (this one,
    unless given) of which libpq itself reads what psycopg should tell it.
    """
    return pytest.param(url, asyncpg, libpq or url, id=url)


SHAPES = [
    shape(H),
    shape("postgres://u:p@h:1/d", user="u", password="p", addresses=[("h", 1)]),
    *(
        shape(f"{scheme}://u@h/d", user="u", libpq="postgresql://u@h/d")
        for scheme in ("postgresql+asyncpg", "postgresql+psycopg", "postgres+psycopg2")
    ),
    shape(f"{H}?sslmode=require&channel_binding=require", sslmode="require"),  # Neon
    shape(
        "postgres://postgres.ref:p@aws-0-eu.pooler.example:6543/d",  # Supabase
        addresses=[("aws-0-eu.pooler.example", 6543)],
        user="postgres.ref",
        password="p",
    ),
    # Hosts
    shape(
        "postgresql://a:1,b/d?target_session_attrs=read-write",
        addresses=[("a", 1), ("b", 5432)],
        target_session_attrs="read-write",
        libpq="postgresql://a:1,b:5432/d?target_session_attrs=read-write",
    ),
    shape("postgresql:///d?host=a,b&port=1,2", addresses=[("a", 1), ("b", 2)]),
    shape(
        "postgresql://a,b/d?port=7",
        addresses=[("a", 7), ("b", 7)],
        libpq="postgresql:///d?host=a,b&port=7",
    ),
    shape("postgresql://[::1]:7/d", addresses=[("::1", 7)]),
    shape("postgresql://[fe80::1%25eth0]/d", addresses=[("fe80::1%eth0", 5432)]),
    shape("postgresql:///d?host=::1", addresses=[("::1", 5432)]),
    *(
        shape(url, addresses=["/tmp/x/.s.PGSQL.7"], sslmode="disable")
        for url in (
            "postgresql:///d?host=/tmp/x&port=7",
            "postgresql://%2Ftmp%2Fx:7/d",
            "postgresql://localhost:7/d?host=/tmp/x",  # the parameter wins, as in libpq
        )
    ),
    # Users, passwords, databases
    shape("postgresql://u%40c:%40%2F%25%3A+@h", user="u@c", password="@/%:+", database="u@c"),
    shape("postgresql://u:a:b@h/d%2Fe", user="u", password="a:b", database="d/e"),
    shape("postgresql://u:@h/d", user="u"),
    shape("postgresql://?user=u&password=p+q%26&host=h&dbname=d", user="u", password="p+q&"),
    shape("postgresql://u:p@h/d?user=v&password=q", user="v", password="q"),
    shape("postgresql://h?database=d", libpq=H),
    # TLS
    shape(f"{H}?ssl=require", sslmode="require", libpq=f"{H}?sslmode=require"),
    shape(f"{H}?ssl=true", sslmode="require"),
    shape(f"{H}?ssl=False", sslmode="disable", libpq=f"{H}?sslmode=disable"),
    shape(
        f"{H}?sslmode=require&sslnegotiation=direct", sslmode="require", ssl_negotiation="direct"
    ),
    shape(
        f"{H}?sslrootcert=system",
        sslmode="verify_full",
        libpq=f"{H}?sslrootcert=system&sslmode=verify-full",
    ),
    shape(f"{H}?sslcompression=0&sslsni=1&sslcertmode=allow&gssencmode=prefer&gssdelegation=0"),
    # The rest
    shape(f"{H}?", libpq=H),
    shape(f"{H}?sslmode=&options=", libpq=H),
    shape(f"{H}?connect_timeout=5", timeout=5),
    shape(f"{H}?connect_timeout=0", timeout=None),
    shape(f"{H}?connect_timeout=-1", timeout=None),
    shape(f"{H}?keepalives=1&keepalives_idle=30&keepalives_interval=5&keepalives_count=3"),
    shape(f"{H}?tcp_user_timeout=9000&load_balance_hosts=disable&replication=false"),
    shape(f"{H}?min_protocol_version=3.0&max_protocol_version=latest"),
    shape(f"{H}?krbsrvname=pg&gsslib=gssapi", krbsrvname="pg"),
    shape(f"{H}?client_encoding=utf-8", libpq=f"{H}?client_encoding=UTF8"),
    shape(f"{H}?client_encoding=auto", libpq=f"{H}?client_encoding=UTF8"),
    shape(f"{H}?fallback_application_name=b", server_settings={"application_name": "b"}),
    shape(
        f"{H}?fallback_application_name=b&application_name=a",
        server_settings={"application_name": "a"},
    ),
    shape(f"{H}?options=endpoint%3Dep-1", server_settings={"options": "endpoint=ep-1"}),  # Neon
    shape(
        f"{H}?search_path=app,public&TimeZone=UTC",
        server_settings={"search_path": "app,public", "timezone": "UTC"},
        libpq=f"{H}?options=-c%20search_path%3Dapp,public%20-c%20timezone%3DUTC",
    ),
    shape(
        f"{H}?app.tenant=a%20b%5C&options=-c%20jit%3Doff",
        server_settings={"app.tenant": "a b\\", "options": "-c jit=off"},
        libpq=f"{H}?options=-c%20jit%3Doff%20-c%20app.tenant%3Da%5C%20b%5C%5C",
    ),
]


def completed(arguments: dict[str, Any]) -> dict[str, Any]:
    """libpq's parameters with what is said in any case."""
    user = arguments.get("user", "os")
    defaults = {"user": user, "dbname": user, "host": "localhost", "port": "5432"}
    return defaults | {"connect_timeout": "30"} | arguments


@pytest.mark.parametrize(("url", "differs", "libpq"), SHAPES)
def test_both_drivers_read_the_same(url: str, differs: dict[str, Any], libpq: str) -> None:
    read = asyncpg_reads(url)
    assert {name: read.get(name) for name in AT_H | differs} == AT_H | differs
    assert libpq_reads(url) == completed(conninfo_to_dict(libpq))


REFUSED = [
    ("", "postgresql://user:password@host:5432/database"),
    ("mysql://u:hunter2@h/d", "postgresql://"),
    ("host=h dbname=d password=hunter2", "postgresql://"),
    ("postgresql://u:hunter2@h/d\n", "line break"),
    ("postgresql://u:hunter2@2@h/d", "@ as %40"),
    ("postgresql://u:1/hunter2@h/d", "/ as %2F"),
    ("postgresql://u:1#hunter2@h/d", "# as %23"),
    ("postgresql://u:1?hunter2@h/d", "? as %3F"),
    ("postgresql://u:1?hunter2=1&x=@h/d", "? as %3F"),
    ("postgresql://u:hunter2%@h/d", "% as %25"),
    ("postgresql://u:hunter2%FF@h/d", "UTF-8"),
    ("postgresql://u:hunter2\udcff@h/d", "UTF-8"),
    ("postgresql://u:hunter2%00@h/d", "%00"),
    ("postgresql://h/d?password=1&hunter2=3", "a parameter is unknown; remove it, write a & of"),
    ("postgresql://h/d?password=1&hunter2", "name=value"),
    ("postgresql://h/d?password=hunter2=", "= as %3D"),
    ("postgresql://u:hunter2/d", "port must be"),
    ("postgresql://h:0/d", "port must be"),
    ("postgresql://h:65536/d", "port must be"),
    ("postgresql://a:1,b:2/d?host=c", "port must be one for all"),
    ("postgresql://::1/d", "brackets"),
    ("postgresql://[::1/d", "brackets"),
    ("postgresql://a,,b/d", "host must be"),
    ("postgresql:///d?host=a:1", "host must be"),  # SQLAlchemy's way
    ("postgresql:///d?host=%40abstract", "host must be"),
    ("postgresql:///d?host=a&host=b", "host is given twice"),
    (f"{H}?sslmode=require&ssl=false", "ssl is given twice"),
    (f"{H}?sslmode=no", "sslmode must be disable or allow or prefer or require"),
    (f"{H}?ssl=1", "ssl must be"),
    (f"{H}?ssl_min_protocol_version=TLSv1", "must be TLSv1.2 or TLSv1.3"),
    (f"{H}?sslmode=require&sslrootcert=system", "sslmode=verify-full"),
    (f"{H}?sslcert=c&sslrootcert=system", "sslcert can't be used with sslrootcert=system"),
    (f"{H}?channel_binding=require", "needs sslmode=require"),
    (f"{H}?sslnegotiation=direct&sslmode=prefer", "needs sslmode=require"),
    (f"{H}?connect_timeout=1.5", "connect_timeout must be a whole number"),
    (f"{H}?keepalives=a%20whole%20number", "keepalives must be a whole number"),
    (f"{H}?gssencmode=require", "gssencmode must be disable or prefer"),
    (f"{H}?load_balance_hosts=random", "load_balance_hosts must be disable"),
    (f"{H}?client_encoding=latin1", "client_encoding must be UTF8"),
    (f"{H}?target_session_attrs=master", "target_session_attrs must be"),
    (f"{H}?hostaddr=127.0.0.1", "hostaddr can't be used"),
    (f"{H}?service=s", "service can't be used"),
    (f"{H}?require_auth=scram-sha-256", "require_auth can't be used"),
    (f"{H}?sslmod=require", "did you mean sslmode?"),
    (f"{H}?stament_timeout=1", "did you mean statement_timeout?"),
    (f"{H}?pgbouncer=true", "pgbouncer is unknown; remove it"),
    (f"{H}?jit=on&JIT=off", "JIT is given twice"),
]  # fmt: skip


@pytest.mark.parametrize(("url", "sentence"), REFUSED)
def test_a_sentence_says_what_is_wrong(url: str, sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(sentence)) as caught:
        Address.parse(url)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__context__ is None


@pytest.mark.parametrize("name", [option.keyword.decode() for option in pq.Conninfo.get_defaults()])
def test_every_parameter_of_libpq_is_decided(name: str) -> None:
    try:
        read = Address.parse(f"postgresql:///?{name}=1")
    except ConfigurationError as error:
        assert re.search(rf": {name} (must be|can't be used)", str(error))  # noqa: PT017
    else:
        assert (read.for_psycopg(), read.settings) == (completed({name: "1"}), {})


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)


@given(user=TEXT, password=TEXT, database=TEXT)
def test_encoded_text_survives(user: str, password: str, database: str) -> None:
    parts = [quote(part, safe="") for part in (user, password, database)]
    for url in (
        "postgresql://{}:{}@h/{}".format(*parts),
        "postgresql://h?user={}&password={}&dbname={}".format(*parts),
    ):
        read = asyncpg_reads(url)
        assert (read["user"], read["password"], read["database"]) == (user, password, database)
        expected = {"user": user, "password": password, "dbname": database, "host": "h"}
        assert libpq_reads(url) == completed(expected)


JUNK = st.text(st.sampled_from("/:@?#%&=[],.+ abc123\n\udcff\0é") | st.characters(), max_size=8)
FIRST, LAST = "Xq7ZkJ", "Wv3YpR"


@given(
    form=st.sampled_from(["{0}:{1}@{2}", "{0}@h/d?{0}&password={1}&{2}", "h/d?password={1}{2}"]),
    before=JUNK,
    within=JUNK,
    after=JUNK,
)
def test_no_error_shows_a_piece_of_the_password(
    form: str, before: str, within: str, after: str
) -> None:
    url = "postgresql://" + form.format(before, f"{FIRST}{within}{LAST}", after)
    try:
        shown = repr(Address.parse(url))
    except ConfigurationError as error:
        shown = str(error)
        assert error.__context__ is None  # noqa: PT017
    assert FIRST not in shown
    assert LAST not in shown


def test_its_text_has_no_password() -> None:
    read = Address.parse("postgresql://u:hunter2@h:7/d?sslpassword=hunter2")
    assert str(read) == repr(read) == "Address(user='u', host='h', port='7', dbname='d')"


def test_channel_binding_warns_once(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    parameters.warn.cache_clear()
    read = Address.parse(f"{H}?sslmode=require&channel_binding=require")
    with caplog.at_level(logging.WARNING, "dal"):
        read.for_psycopg()
        assert caplog.messages == []
        read.for_asyncpg()
        read.for_asyncpg()
    assert len(caplog.messages) == 1
    assert "channel_binding" in caplog.text


def test_tls_reaches_asyncpg() -> None:
    system = asyncpg_reads(f"{H}?sslrootcert=system")["ssl"]
    assert (system.verify_mode, system.check_hostname) == (ssl.CERT_REQUIRED, True)
    limits = "ssl_min_protocol_version=TLSv1.3&ssl_max_protocol_version=TLSv1.3"
    limited = asyncpg_reads(f"{H}?sslmode=require&{limits}")["ssl"]
    assert limited.minimum_version == limited.maximum_version == ssl.TLSVersion.TLSv1_3
    for name in ("sslrootcert", "sslcert", "sslcrl"):
        with pytest.raises(FileNotFoundError):
            asyncpg_reads(f"{H}?sslmode=require&{name}=/absent/file")


async def test_a_server_takes_it(url: str) -> None:
    asked = {
        "application_name": "an app",
        "options": r"-c lock_timeout=7s -c my.option=a\ b",
        "search_path": "app, public",
        "my.setting": "it's a \\ b",
        "statement_timeout": "5000",
        "connect_timeout": "9",
        "channel_binding": "prefer",
        "keepalives": "1",
        "client_encoding": "auto",
        "gssencmode": "disable",
    }
    pasted = "&".join(f"{name}={quote(value)}" for name, value in asked.items())
    read = Address.parse(f"{url}{'&' if '?' in url else '?'}{pasted}")
    names = ["application_name", "lock_timeout", "my.option", "search_path", "my.setting"]
    names += ["statement_timeout", "client_encoding"]
    query = "SELECT " + ", ".join(f"current_setting('{name}')" for name in names)
    expected = ("an app", "7s", "a b", "app, public", "it's a \\ b", "5s", "UTF8")

    connection = await open_connection(read, application_name="unless the address says")
    assert tuple(await connection.fetchrow(query)) == expected
    await connection.close()
    with psycopg.connect(**read.for_psycopg()) as other:
        assert other.execute(query.encode()).fetchone() == expected
