"""Where the SQL lies: beside the package's modules in a wheel, one level up in a checkout."""

from pathlib import Path

from dal.errors import ConfigurationError


def _folder(name: str) -> Path:
    package = Path(__file__).resolve().parent
    for home in (package, package.parent):
        if (home / name).is_dir():
            return home / name
    raise ConfigurationError(
        f"dal is installed without its {name}/ folder; reinstall it from a wheel or a checkout"
    )


SQL: Path = _folder("sql")
"""The folder of the queries, `<module>/<function>.sql`."""

MIGRATIONS: Path = _folder("migrations")
"""The folder of the migrations, `<number>.<name>.sql` and its `.rollback.sql`."""
