"""The wheel, built and installed as a stranger has it: away from the checkout."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    python("-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(CHECKOUT))
    (wheel,) = folder.iterdir()
    return wheel


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the wheel is installed into; its dependencies are those of the tests."""
    folder = tmp_path_factory.mktemp("installed")
    python("-m", "pip", "install", "--no-deps", "--no-index", "--target", str(folder), str(wheel))
    return folder


@pytest.fixture
def elsewhere(installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to run in, where the installed dal comes before any other."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(installed))
    return installed


@pytest.fixture
def copied(elsewhere: Path, tmp_path: Path) -> Callable[[str], Path]:
    """Copies one of the projects, which then has nothing but the installed dal."""
    assert (elsewhere / "dal/sql").is_dir()

    def copied(name: str) -> Path:
        ignored = shutil.ignore_patterns("__pycache__", ".*")
        return shutil.copytree(CHECKOUT / "tests/projects" / name, tmp_path / name, ignore=ignored)

    return copied


def running(project: Path, url: str) -> Run:
    """Runs modules in a project's folder, on a database."""

    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", *arguments],
            cwd=project,
            env={**os.environ, "DATABASE_URL": url, **environment},
            capture_output=True,
            text=True,
            timeout=300,
        )

    return run


def python(*arguments: str) -> str:
    done = run(*arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, timeout=120)
