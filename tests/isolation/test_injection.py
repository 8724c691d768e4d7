"""Text that looks like SQL, a parameter or a format is text: it comes back as it went in."""

from inspect import isclass
from typing import Any, get_args, get_type_hints

from pydantic import BaseModel

from dal import Database, NewMessage, NewTask, User, users
from dal.jsonl import export_lines, import_lines
from tests.surface import FUNCTIONS, THREE, VALUES, Function, arguments, call, fill, snapshot

HOSTILE = [
    "'; DROP TABLE messages; --",
    "' OR '1'='1' /*",
    '"; TRUNCATE users CASCADE; SELECT "',
    "\\'; DELETE FROM tasks; -- \\",
    "$1 $$ :user_id :'user_id' %s %(user_id)s {user_id} {} ? @p1",
    "*/ UNION SELECT id FROM users; /*",
    "NULL",
    "'||pg_terminate_backend(pg_backend_pid())||'",
    "\\u0000 \\x00 E'\\047' U&'\\0027' \N{FULLWIDTH APOSTROPHE} \N{RIGHT SINGLE QUOTATION MARK}",
    "{1,2} (,) [] \\N \\. \t\r\n ",
    "%' _ * .* %%",
]
WRITTEN = ("user_id", "content", "metadata", "title", "description")


def everywhere(text: str) -> dict[str, Any]:
    """A value for every parameter, with the text wherever one may be."""
    metadata = {text: [text, {"text": text}]}
    return VALUES | {
        "user_id": text,
        "content": text,
        "metadata": metadata,
        "title": text,
        "description": text,
        "messages": [
            NewMessage(role="user", content=text, metadata=metadata, id=own_id) for own_id in THREE
        ],
        "tasks": [NewTask(title=text, description=text, id=own_id) for own_id in THREE],
    }


def written(result: Any) -> list[tuple[str, Any]]:
    """Name and value of every field of a result, in all of its records, that people write."""
    match result:
        case list():
            return [field for record in result for field in written(record)]
        case User():
            return [("user_id", result.id)]
        case BaseModel():
            own = [(name, value) for name, value in result if name in WRITTEN]
            return own + written(getattr(result, "messages", None))
    return []


def has_text(function: Function) -> bool:
    """Whether there is a field that people write in what a function returns."""
    hint = get_type_hints(function)["return"]
    records = [each for each in (hint, *get_args(hint)) if isclass(each)]
    return any(
        issubclass(record, User) or {*WRITTEN} & record.model_fields.keys()
        for record in records
        if issubclass(record, BaseModel)
    )


async def catalog(db: Database) -> list[Any]:
    """Every relation with its columns and privileges."""
    return await db.fetch("""
        SELECT relname, relkind, relacl::text, array_agg(attname || attnum ORDER BY attnum)
        FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
        WHERE relnamespace = 'public'::regnamespace
        GROUP BY 1, 2, 3
        ORDER BY 1
    """)


async def test_every_text_comes_back_unchanged_and_changes_nothing_else(db: Database) -> None:
    await fill(db)
    adas, tables = await snapshot(db), await catalog(db)
    for text in HOSTILE:
        values = everywhere(text)
        for name, function in FUNCTIONS.items():
            await fill(db, values)
            result = await call(function, db, arguments(function, values))
            fields = written(result)
            assert fields or (result and not has_text(function)), name
            assert [field for field in fields if field[1] != values[field[0]]] == [], name
        await users.delete(db, user_id=text)
        assert await snapshot(db) == adas
    assert await catalog(db) == tables


async def test_lines_keep_every_text(db: Database) -> None:
    await fill(db)
    adas = await snapshot(db)
    for text in HOSTILE:
        await fill(db, everywhere(text))
        lines = [line async for line in export_lines(db, user_id=text)]
        await users.delete(db, user_id=text)
        await import_lines(db, lines, user_id=text)
        again = [line async for line in export_lines(db, user_id=text)]
        assert again == lines
        await users.delete(db, user_id=text)
        assert await snapshot(db) == adas
