"""dal's own project: its statements, owner columns, comment prefix and rules."""

from importlib import import_module

from dal.binding import query
from dal.check.project import OwnerColumns, Project, Rule
from dal.migrate.folder import DAL
from dal.paths import MIGRATIONS, SQL
from dal.project.distributed import DISTRIBUTED
from dal.project.header_comments import header_comment

OWNER = OwnerColumns(
    "user_id",
    {"users": "id", "tasks": "user_id", "conversations": "user_id", "messages": "user_id"},
)
"""The columns that hold the owners in dal's tables."""

_MODULES = ("conversations", "jsonl", "maintenance", "messages", "stats", "tasks", "users")


def dal_project() -> Project:
    """dal's own project; imports the modules with its stubs."""
    for module in _MODULES:
        import_module(f"dal.{module}")
    return Project(
        name=DAL,
        report_at=MIGRATIONS,
        statements=(SQL,),
        migrations=MIGRATIONS,
        bindings=query.bindings,
        # People run the one by hand, `dal distribute` the other.
        needs_no_stub=lambda path: path.parent in (SQL, SQL / "distribute"),
        owner=OWNER,
        comment_prefix="dal ",
        indexes=SQL / "indexes.sql",
        populate=SQL / "populate.sql",
        rules=(Rule(header_comment, "header-comment"), *DISTRIBUTED),
    )
