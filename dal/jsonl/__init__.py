"""Conversations and tasks as lines of JSON, in and out.

with open("export.jsonl", "wb") as file:
    async for line in export_lines(db, user_id="ada"):
        file.write(line)

with open("export.jsonl", "rb") as file:
    summary = await import_lines(db, read_lines(file))
"""

from dal.jsonl.exporting import export_everyone, export_lines
from dal.jsonl.importing import Summary, import_lines
from dal.jsonl.lines import LINE_MESSAGES
from dal.jsonl.spool import read_lines
from dal.jsonl.values import LINE_BYTES

__all__ = [
    "LINE_BYTES",
    "LINE_MESSAGES",
    "Summary",
    "export_everyone",
    "export_lines",
    "import_lines",
    "read_lines",
]
