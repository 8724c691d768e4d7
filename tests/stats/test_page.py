"""The page has the shape of `--json` and all the rules, as the code has them."""

import inspect
import re
from typing import Any

from dal.paths import SQL
from dal.record import Record
from dal.stats import records
from dal.stats.findings import RULES
from dal.stats.records import Stats

PAGE = (SQL / "README.md").read_text(encoding="utf-8")
SCHEMA = Stats.model_json_schema()


def fields(part: Any) -> list[str]:
    """The fields of a record that a part of the schema refers to, however deep."""
    [name] = set(re.findall(r"#/\$defs/(\w+)", str(part)))
    return list(SCHEMA["$defs"][name]["properties"])


def test_the_page_has_the_shape() -> None:
    table = PAGE.partition("| part of `--json` |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| `([a-z]+)(?:\[\])?` \| (.*) \|$", table, re.MULTILINE)
    shown = {part: re.findall(r"`([a-z_]+)`", re.sub(r"\(.*?\)", "", cell)) for part, cell in rows}
    assert shown == {name: fields(part) for name, part in SCHEMA["properties"].items()}


def test_each_field_is_described() -> None:
    for name, record in vars(records).items():
        if inspect.isclass(record) and issubclass(record, Record) and record is not Record:
            named = re.search(r"Attributes:\n(.*)", inspect.getdoc(record) or "", re.DOTALL)
            assert named, name
            described = re.findall(r"^ {4}([a-z_, ]+):", named[1], re.MULTILINE)
            assert ", ".join(described).split(", ") == list(record.model_fields), name


def test_the_page_has_the_rules() -> None:
    listed = re.findall(r"^\| `([a-z-]+)` \| (alert|advice) \|", PAGE, re.MULTILINE)
    assert dict(listed) == RULES
