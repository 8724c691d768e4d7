"""Writes findings for people, for machines, and on a pull request."""

import os
from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from dal import paths
from dal.check.findings import Finding
from dal.cli.streams import err, out
from dal.migrate.folder import DAL

if TYPE_CHECKING:
    from dal.check.project import Project


class Format(StrEnum):
    """The formats of findings, apart from JSON."""

    TEXT = "text"
    GITHUB = "github"


def counted(findings: Sequence[Finding]) -> str:
    """The number of findings in words, such as `3 findings`."""
    return f"{len(findings)} finding{'s' * (len(findings) != 1)}"


def rows(
    findings: Sequence[Finding], decisive: Sequence[Finding], projects: "Sequence[Project]"
) -> list[dict[str, str | int]]:
    """The findings as rows of JSON."""
    return [
        {
            **finding.as_json(_here()),
            "project": _project_of(finding, projects),
            "decides": finding in decisive,
        }
        for finding in findings
    ]


def show(
    shown: Sequence[Finding],
    decisive: Sequence[Finding],
    projects: "Sequence[Project]",
    form: Format,
) -> None:
    """Write findings; those in dal's own statements are apart from a service's.

    Parameters:
        shown: those that don't change the exit status.
        decisive: those that do.
        projects: whose statements were proven.
        form: how the decisive ones are written.
    """
    for finding in shown:
        _print(finding)
    for project in reversed(projects):
        own = [finding for finding in decisive if _project_of(finding, projects) == project.name]
        if own and project.name == DAL and len(projects) > 1:
            err.print("In dal's own statements: has its schema been changed?\n")
        for finding in own:
            if form is Format.TEXT:
                _print(finding)
            elif project.name == DAL and paths.is_installed() and len(projects) > 1:
                # A pull request has no such file, only the settings that bring dal.
                place = f"{finding.path.relative_to(paths.SQL.parent)}: "
                _annotate(replace(finding, path=projects[-1].report_at, offset=None), place)
            else:
                _annotate(finding)


def _project_of(finding: Finding, projects: "Sequence[Project]") -> str:
    """The name of the project that a finding's file belongs to."""
    for project in projects:
        homes = filter(None, (*project.statements, project.migrations, project.report_at))
        if any(finding.path.is_relative_to(home) for home in homes):
            return project.name
    return projects[-1].name


def _print(finding: Finding) -> None:
    err.print(finding.as_text(_here()) + "\n")


def _annotate(finding: Finding, place: str = "") -> None:
    """Write a finding as a workflow command of GitHub Actions, which makes it an annotation."""
    row = finding.as_json(_repository())
    text = f"{place}{row['message']}\nhelp: {row['help']}"
    message = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    file = str(row["file"]).replace("%", "%25").replace(":", "%3A").replace(",", "%2C")
    place = f"file={file},line={row['line']},col={row['column']}"
    out.print(f"::error {place},title=dal check {row['rule']}::{message}")


def _repository() -> Path:
    """The folder that a pull request's paths begin in."""
    here = _here()
    if workspace := os.environ.get("GITHUB_WORKSPACE"):
        return Path(workspace).resolve()
    return next((folder for folder in (here, *here.parents) if (folder / ".git").exists()), here)


def _here() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError:  # it was removed
        return Path("/")
