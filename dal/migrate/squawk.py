"""Runs squawk, which finds what a migration would do to a live database, such as its locks."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from dal.errors import ConfigurationError
from dal.migrate.folder import Folder
from dal.migrate.lint import LintFinding, is_transactional
from dal.source.header import Header
from dal.source.text import Source
from dal.source.waivers import apply_waivers

# A run sets the lock timeout itself, and a migration may take as long as it has to.
_EXCLUDED = "--exclude=require-lock-timeout,require-statement-timeout"
_OPTIONS = (_EXCLUDED, "--reporter=json", "--pg-version=14.0")
_EXCEPTION = re.compile(r"(?m)^\s*--\s*(squawk-ignore)")


class MissingToolError(ConfigurationError):
    """squawk is not installed."""

    message = (
        "squawk is not installed, so effects on a live database were not checked:"
        " pip install squawk-cli."
    )


def squawk(folder: Folder) -> list[LintFinding]:
    """squawk's findings in the files that apply migrations, without those that they waive.

    A header comment waives a rule for its file: `-- Waives ban-drop-column: the reason.`

    Parameters:
        folder: where they are.

    Raises:
        MissingToolError: squawk is not installed.
    """
    beside = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    program = shutil.which("squawk", path=beside)
    if program is None:
        raise MissingToolError
    files = [
        path
        for path in sorted(folder.path.glob("*.sql"))
        if ".rollback" not in path.name and _is_text(path)
    ]
    inside = [path for path in files if is_transactional(path)]
    outside = [path for path in files if path not in inside]
    reported = [*_run(program, inside, "--assume-in-transaction"), *_run(program, outside)]
    findings = [finding for path in files for finding in _left(path, reported)]
    return sorted(findings, key=lambda finding: (finding.file, finding.line))


def _is_text(path: Path) -> bool:
    try:
        path.read_text(encoding="utf-8")
    except UnicodeDecodeError:  # lint reports it
        return False
    return True


def _run(program: str, files: list[Path], *options: str) -> Iterator[LintFinding]:
    if not files:
        return
    done = subprocess.run(  # noqa: S603
        [program, *_OPTIONS, *options, *(path.name for path in files)],
        cwd=files[0].parent,  # a path would be taken for a pattern
        capture_output=True,
        text=True,
    )
    if done.returncode not in (0, 1):
        raise ConfigurationError(f"squawk failed: {done.stderr.strip()}")
    for violation in json.loads(done.stdout):
        problem = " ".join(filter(None, (violation["message"], violation["help"])))
        rule = violation["rule_name"]
        yield LintFinding(
            Path(violation["file"]).name, violation["line"] + 1, f"{rule}: {problem}", rule
        )


def _left(path: Path, reported: list[LintFinding]) -> Iterator[LintFinding]:
    """A file's findings that are not waived, and those about its waivers."""
    source = Source.read(path)

    def make(rule: str, offset: int, message: str, help_: str) -> LintFinding:
        return LintFinding(
            path.name, source.line_and_column(offset)[0], f"{rule}: {message}; {help_}", rule
        )

    for exception in _EXCEPTION.finditer(source.text):
        help_ = "write `-- Waives RULE: the reason.` at the top of the file"
        yield make("waiver", exception.start(1), "squawk-ignore gives no reason", help_)
    yield from apply_waivers(
        [finding for finding in reported if finding.file == path.name],
        Header.of(source),
        rules=None,
        can_tell_needless=lambda _: True,
        make=make,
    )
