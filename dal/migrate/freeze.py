"""Writes the checksums of new migrations into the manifest."""

from dal.errors import ConfigurationError
from dal.migrate.folder import Folder
from dal.migrate.manifest import NAME, checksum, dependencies, garbled, recorded
from dal.paths import refuse_installed


def freeze(folder: Folder) -> list[str]:
    """Add the migrations that the manifest does not name yet, and return their files' names.

    An existing line is never rewritten: to change a frozen file that was applied nowhere, take its
    line out by hand, where a reviewer sees it.

    Raises:
        ConfigurationError: a frozen file was edited or removed, or the folder is that of an
            installed dal.
    """
    path = folder.path
    refuse_installed(path)
    if lines := garbled(path):
        raise ConfigurationError(
            f"{NAME}, line {lines[0]}: is not a checksum and a name; restore it from git"
        )
    frozen = recorded(path)
    present = {file.name: checksum(file) for file in path.glob("*.sql")}
    changed = sorted(name for name in frozen if present.get(name) != frozen[name])
    if changed:
        raise ConfigurationError(
            f"{', '.join(changed)}: edited or removed since {NAME} froze it; restore it, or take"
            f" its line out of {NAME} if no database has it"
        )
    # A dependency that the manifest already records is kept.
    needs = {name: folder.depends(name) for name in folder.names} | dependencies(path)
    lines_of = {
        f"{name}.sql": f"# {name} depends on dal {need}\n" for name, need in needs.items() if need
    }
    text = "".join(
        f"{lines_of.get(name, '')}{value}  {name}\n"
        for name, value in sorted((frozen | present).items())
    )
    (path / NAME).write_text(text, encoding="utf-8")
    return sorted(present.keys() - frozen.keys())
