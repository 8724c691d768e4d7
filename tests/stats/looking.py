"""`dal stats` as a person and a machine run it."""

import asyncio
import re

from typer.testing import CliRunner

import dal
from dal.cli.commands import app
from dal.stats import Stats
from tests import surface


def run(url: str, *options: str) -> str:
    """What it prints; it has to succeed, and to say nothing on standard error."""
    result = CliRunner().invoke(app, ["stats", *options], env={"DATABASE_URL": url})
    assert (result.exit_code, result.stderr) == (0, ""), result.output
    return re.sub(r"\x1b\[[\d;]*m", "", result.stdout)


def fill(url: str) -> None:
    """A user's rows, ada's."""

    async def filled() -> None:
        async with dal.connect(url, min_size=1) as db:
            await surface.fill(db)

    asyncio.run(filled())


def look(url: str) -> Stats:
    """What `--json` says."""
    return Stats.model_validate_json(run(url, "--json"))


def rules(stats: Stats) -> set[tuple[str, str]]:
    """The rule and the subject of each finding."""
    return {(finding.rule, finding.subject) for finding in stats.findings}


def remedy(stats: Stats, subject: str) -> str:
    """The remedy that would show a part that was not seen."""
    [note] = [note for note in stats.unseen if note.what == subject]
    return note.remedy
