"""The folders of the SQL: inside the package in a wheel, beside it in a checkout."""

from pathlib import Path

from dal.errors import ConfigurationError

_PACKAGE = Path(__file__).resolve().parent


def _folder(name: str) -> Path:
    for home in (_PACKAGE, _PACKAGE.parent):
        if (home / name).is_dir():
            return home / name
    raise ConfigurationError(
        f"dal is installed without its {name}/ folder; reinstall it from a wheel or a checkout"
    )


def is_installed() -> bool:
    """Whether this is an installed dal, with its SQL inside the package, and no checkout."""
    return SQL.is_relative_to(_PACKAGE)


def refuse_installed(folder: Path) -> None:
    """Refuse to write into an installed package.

    Raises:
        ConfigurationError: the folder is in it.
    """
    if folder.resolve().is_relative_to(_PACKAGE):
        raise ConfigurationError(
            f"{folder} is in the installed dal, and is lost when that is replaced; work in a"
            " checkout of dal, or in a service whose pyproject.toml has the table [tool.dal]"
        )


SQL: Path = _folder("sql")
"""The folder of the queries, `<module>/<function>.sql`."""

MIGRATIONS: Path = _folder("migrations")
"""The folder of the migrations, `<number>.<name>.sql` and its `.rollback.sql`."""
