"""The process that owns an embedded server: makes it, watches it, and removes every trace of it.

Run as `python -I -S supervisor.py INSTALLATION [SETTING=VALUE ...]`. Standard input is the
lifeline, a pipe from the parent: its end means that the parent is done or dead. The private
directory's name goes to standard output once the server accepts connections; a failure goes to
standard error, with exit status 1. Nothing stays behind, unless this process itself is killed: then
the server dies all the same (on Linux), but the directory is the parent's to remove.

PostgreSQL refuses to run as root. Then this process's children step down to an unprivileged user,
and it stays root itself: the interpreter, this file and the server's programs may lie where that
user can't read, and nothing that runs inside the server may harm its supervisor.
"""

import ctypes
import os
import pwd
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

START_SECONDS = 60
SOCKET_PATH_BYTES = 103  # macOS; Linux allows 107
LOG_TAIL_BYTES = 4096
STOP_SIGNALS = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36


class Children:
    """Starts programs as the server's user, away from the parent's environment, with one log."""

    def __init__(self) -> None:
        self.account = None if os.geteuid() else unprivileged_account()
        # A file without a name can't be left behind.
        self._log = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115
        self._tie = tie_to_this_process() if sys.platform == "linux" else None

    def start(self, *command: str | Path) -> subprocess.Popen[bytes]:
        """Start a program."""
        return subprocess.Popen(  # noqa: S603
            command,
            cwd="/",
            env={"PATH": os.defpath},
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            user=self.account and self.account.pw_uid,
            group=self.account and self.account.pw_gid,
            extra_groups=self.account and (),
            preexec_fn=self._tie,
        )

    def succeed(self, *command: str | Path) -> bool:
        """Run a program; the log keeps only what failed."""
        try:
            failed = self.start(*command).wait() != 0
        except OSError as error:
            failed = True
            self._log.write(f"{error}\n".encode())
        if not failed:
            self._log.seek(0)
            self._log.truncate()
        return not failed

    def failure(self, message: str) -> str:
        """The message with the end of the log."""
        size = os.fstat(self._log.fileno()).st_size
        tail = os.pread(self._log.fileno(), LOG_TAIL_BYTES, max(0, size - LOG_TAIL_BYTES))
        return f"{message} The end of the log:\n{tail.decode(errors='replace')}"

    def bury_orphans(self) -> None:
        """Kill processes that a killed server left behind, or had started in the background."""
        with suppress(OSError):  # there are none (left), or this is macOS
            while True:
                for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
                    os.kill(int(pid), signal.SIGKILL)
                os.waitpid(-1, 0)


def unprivileged_account() -> pwd.struct_passwd:
    """Choose whom root steps down to."""
    # The embedded server's superuser could reach the files of what `postgres` owns.
    for name in ("nobody", "postgres"):
        with suppress(KeyError):
            return pwd.getpwnam(name)
    sys.exit(
        "PostgreSQL refuses to run as root, and there is no user `nobody` to step down to: "
        "run as an ordinary user."
    )


def tie_to_this_process() -> Callable[[], None]:
    """On Linux, let the children die with this process, and their orphans come to it."""
    libc = ctypes.CDLL(None)
    libc.prctl.argtypes = [ctypes.c_int, ctypes.c_ulong]
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1)
    supervisor = os.getpid()

    def tie() -> None:
        # Runs after the change of user, which would undo it. Unlike SIGKILL, SIGQUIT lets the
        # server end its own processes and release its shared memory.
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGQUIT)
        if os.getppid() != supervisor:  # it died before the line above
            os._exit(1)

    return tie


def listen_for_signals() -> int:
    """Turn signals into numbers on a pipe, and return its reading end."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing)
    for number in (*STOP_SIGNALS, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())  # the parent's thread may have blocked them
    return reading


def stop_requested(signals: int, seconds: float | None = None) -> bool:
    """Wait for the parent's end, a signal or a timeout, and return whether it means to stop."""
    news, _, _ = select.select([0, signals], [], [], seconds)
    return 0 in news or (signals in news and not STOP_SIGNALS.isdisjoint(os.read(signals, 512)))


def private_directory(children: Children) -> Path:
    """Make a directory that the server's user can reach, short enough for a socket's path."""
    for folder in dict.fromkeys((tempfile.gettempdir(), "/tmp", "/var/tmp")):  # noqa: S108
        longest = os.fsencode(f"{folder}/dal-postgres-12345678/.s.PGSQL.5432")
        if len(longest) > SOCKET_PATH_BYTES or b"," in longest:  # a comma separates directories
            continue
        if children.succeed("/bin/sh", "-c", 'cd "$0"', folder):
            with suppress(OSError):
                return Path(tempfile.mkdtemp(prefix="dal-postgres-", dir=folder))
    sys.exit(children.failure("Set TMPDIR to a folder with a short name that all users may enter."))


def copy(installation: Path, target: Path) -> Path:
    """Copy an installation, and the wheel's shared libraries where its programs expect them."""
    package = installation.parent
    skipped = shutil.ignore_patterns("include", "*.a")
    for part in (installation, package.with_name(f"{package.name}.libs")):
        if part.exists():
            shutil.copytree(part, target / part.relative_to(package.parent), ignore=skipped)
    return target / package.name / installation.name


def run(children: Children, signals: int, directory: Path) -> None:
    """Make a server in the directory, and run it until it is to stop."""
    installation = make_data(children, Path(sys.argv[1]), directory)
    postgres = children.start(*server_command(installation, directory, sys.argv[2:]))
    try:
        watch(postgres, children, signals, directory)
    finally:
        stop(postgres)
        remove_traces(children, directory)


def usable(children: Children, installation: Path, directory: Path) -> Path:
    """Give the directory to the server's user, and return an installation that it can run."""
    if children.account:
        if not children.succeed(installation / "bin" / "initdb", "--version"):
            installation = copy(installation, directory / "wheel")
        # The directory comes last: root writes into it only while it is closed to the user.
        for path in (*directory.rglob("*"), directory):
            os.chown(path, children.account.pw_uid, children.account.pw_gid)
    return installation


def make_data(children: Children, installation: Path, directory: Path) -> Path:
    """Make the data directory, and return the installation that the server's user can run."""
    installation = usable(children, installation, directory)
    if not children.succeed(
        *(installation / "bin" / "initdb", "--pgdata", directory / "data", "--username=postgres"),
        *("--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"),
    ):
        sys.exit(children.failure("PostgreSQL could not make its data directory."))
    return installation


def server_command(
    installation: Path, directory: Path, settings: Iterable[str]
) -> Iterator[str | Path]:
    """The command that starts the server, which listens on a socket in the directory."""
    yield from (installation / "bin" / "postgres", "-D", directory / "data")
    for setting in (*settings, f"unix_socket_directories={directory}"):
        yield from ("-c", setting)


def remove_traces(children: Children, directory: Path) -> None:
    """Remove what a killed server leaves outside of its directory."""
    children.bury_orphans()
    with suppress(FileNotFoundError, IndexError):  # only a killed server leaves its segment
        segment = (directory / "data/postmaster.pid").read_text().splitlines()[6].split()[1]
        children.succeed("ipcrm", "-m", segment)


def watch(
    postgres: subprocess.Popen[bytes], children: Children, signals: int, directory: Path
) -> None:
    """Tell the parent when the server is ready, then wait for the end."""
    if not until_ready(postgres, children, signals, directory):
        return
    with suppress(BrokenPipeError):
        os.write(1, os.fsencode(f"{directory}\n"))
    while not stop_requested(signals):
        if postgres.poll() is not None:
            # Without the log, which would tell the values of statements that had failed.
            sys.exit(f"PostgreSQL ended by itself, with status {postgres.returncode}.")


def until_ready(
    postgres: subprocess.Popen[bytes], children: Children, signals: int, directory: Path
) -> bool:
    """Wait until the server is ready; False if it is to stop before."""
    deadline = time.monotonic() + START_SECONDS
    while not is_ready(directory / "data", postgres.pid):
        if stop_requested(signals, seconds=0.01):
            return False
        if postgres.poll() is not None:
            sys.exit(children.failure("PostgreSQL did not start."))
        if time.monotonic() > deadline:
            sys.exit(children.failure(f"PostgreSQL was not ready after {START_SECONDS} seconds."))
    return True


def is_ready(data: Path, pid: int) -> bool:
    """Whether the server is ready by its lock file's first and last line, as pg_ctl checks it.

    A server that was killed has left its lock file behind.
    """
    with suppress(FileNotFoundError):
        word = (data / "postmaster.pid").read_text()
        return word.startswith(f"{pid}\n") and word.endswith("ready   \n")
    return False


def stop(postgres: subprocess.Popen[bytes]) -> None:
    """Stop the server: a fast shutdown, else an immediate one, else by force."""
    for number, seconds in ((signal.SIGINT, 5), (signal.SIGQUIT, 10), (signal.SIGKILL, None)):
        postgres.send_signal(number)
        with suppress(subprocess.TimeoutExpired):
            postgres.wait(seconds)
            return


def main() -> None:
    """Run a server in a directory of its own, and leave nothing behind."""
    os.umask(0o077)
    signals, children = listen_for_signals(), Children()
    directory = private_directory(children)
    try:
        run(children, signals, directory)
    finally:
        shutil.rmtree(directory)


if __name__ == "__main__":
    try:
        main()
    except OSError as error:
        sys.exit(f"The embedded server can't use its files; TMPDIR says where they are: {error}")
