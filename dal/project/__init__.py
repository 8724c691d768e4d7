"""dal's own choices for the check: the owner's column, its marks, its house rules."""

from pathlib import Path

from dal.check.project import Owner, Project, Rule
from dal.places import MIGRATIONS, SQL
from dal.project.header_comments import header_comment
from dal.project.volatile import volatile


def _is_run_by_hand(path: Path) -> bool:
    return path.parent == SQL


PROJECT = Project(
    statements=SQL,
    migrations=MIGRATIONS,
    unbound=_is_run_by_hand,
    owner=Owner("user_id", {"users": "id"}),
    mark="dal",
    indexes=SQL / "indexes.sql",
    populate=SQL / "populate.sql",
    rules=(Rule(header_comment, "header-comment"), Rule(volatile, "volatile-in-update")),
)
