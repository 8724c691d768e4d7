"""One line: what it may hold, and the sentence for everything else."""

import io
import json
import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dal.jsonl import LINE_BYTES, LINE_MESSAGES, read_lines
from dal.jsonl.lines import ConversationLine, TaskLine, parse
from dal.jsonl.values import BadLine

SECRET = "s3cr3t"
SAID = {"role": "user", "content": SECRET}
CHAT = {"user_id": "ada", "messages": [SAID]}
TASK = {"title": SECRET}
ID = "6f2c4cb0-7d1e-4d35-9a0f-0d7c3f6a1b11"


def chat(**changed: Any) -> str:
    return json.dumps(CHAT | changed)


def with_message(**changed: Any) -> str:
    return chat(messages=[SAID | changed])


def task(**changed: Any) -> str:
    return json.dumps({"user_id": "ada", "task": TASK | changed})


def reason(line: bytes | str, user_id: str | None = None) -> str:
    with pytest.raises(BadLine) as raised:
        parse(line.encode() if isinstance(line, str) else line, user_id)
    return str(raised.value)


TIME = "must be an ISO 8601 time with a time zone, such as 2024-05-31T08:30:00.000000Z"
ORDER = "messages: the times (created_at) must increase strictly; messages without one come last"
UNREADABLE = "must be without lone surrogates and nested at most 200 deep"


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (f'"{SECRET}"', "must be a JSON object"),
        (f'{{"{SECRET}": 1}}', "needs messages (a conversation) or a task"),
        ('{"user_id": "ada"}', "needs messages (a conversation) or a task"),
        (f'{{"a": {SECRET}', "is not JSON: Expecting value at character 7"),
        (f"{chat()} {SECRET}", "is not JSON: Extra data at character"),
        (f'{{"a": "{SECRET}\0"}}', "is not JSON: Invalid control character at character"),
        (SECRET.encode() + b"\xff", "is not UTF-8 at byte 7"),
        (chat().encode("utf-16"), "is not UTF-8 at byte 1"),
        (with_message(content=f"{SECRET}\0"), "may not contain NUL"),
        (with_message(metadata={f"{SECRET}\0": 1}), "may not contain NUL"),
        ("[" * 100_000, "is nested too deep"),
        ('{"a":' * 100_000, "is nested too deep"),
        ('{"a": NaN}', "NaN and Infinity are not JSON"),
        ('{"a": -Infinity}', "NaN and Infinity are not JSON"),
        ('{"a": 1e999}', "holds a number beyond the range of a double"),
        (f'{{"a": {"7" * 5000}}}', "holds a number of more than 4,300 digits"),
        ('{"a": 1, "a": 2}', "has the same key twice in one object"),
        (b" " * (LINE_BYTES + 1), "is longer than 8,388,608 bytes"),
        ('{"messages": []}', "user_id: is missing"),
        (chat(user_id=" "), "user_id: may not be blank"),
        (chat(user_id=5), "user_id: Input should be a valid string"),
        (chat(user_id=SECRET * 50), "user_id: String should have at most 255 characters"),
        (chat(**{SECRET: 1}), "has a key that is not in the format"),
        (chat(task=TASK), "has a key that is not in the format"),
        (chat(messages=SECRET), "messages: must be a list"),
        (chat(messages=[SECRET]), "messages[0]: must be an object"),
        (chat(messages=[SAID] * (LINE_MESSAGES + 1)), "messages: more than 10,000 messages;"),
        (chat(messages=[SAID | {"id": ID}] * 2), "messages: must have different ids"),
        (chat(id=SECRET), "id: must be a UUID"),
        (chat(id=5), "id: must be a UUID"),
        (chat(status=SECRET), "status: must be one of: active, archived"),
        (chat(created_at=f"{SECRET}"), f"created_at: {TIME}"),
        (chat(updated_at=1700000000), f"updated_at: {TIME}"),
        (chat(archived_at="2024-05-31"), f"archived_at: {TIME}"),
        (
            chat(archived_at="2024-05-31T08:30:00Z", status="active"),
            "has an archived_at, but is not archived",
        ),
        (with_message(role=SECRET), "messages[0].role: must be one of: user, assistant"),
        (with_message(content=1.5), "messages[0].content: Input should be a valid string"),
        (
            with_message(content=SECRET * 200),
            "messages[0].content: a user's message may hold at most",
        ),
        (with_message(content="\ud800"), "messages[0].content: may not contain a lone surrogate"),
        (with_message(metadata="\ud800"), f"messages[0].metadata: {UNREADABLE}"),
        (
            with_message(metadata=json.loads("[" * 220 + "]" * 220)),
            f"messages[0].metadata: {UNREADABLE}",
        ),
        (with_message(**{SECRET: 1}), "messages[0]: has a key that is not in the format"),
        (with_message(id=SECRET), "messages[0].id: must be a UUID"),
        *[
            (with_message(created_at=time), f"messages[0].created_at: {TIME}")
            for time in (
                "2024-05-31T08:30:00",
                "2024-05-31",
                "2024-13-31T08:30:00Z",
                "2024-05-31T08:30:00.0000001Z",
                "1700000000",
                "0001-01-01T00:00:00+14:00",
            )
        ],
        *[
            (chat(messages=[SAID | {"created_at": time} for time in times]), ORDER)
            for times in (
                ("2024-05-31T08:30:00Z", "2024-05-31T08:30:00Z"),
                ("2024-05-31T08:30:00Z", "2024-05-31T09:30:00+02:00"),
                (None, "2024-05-31T08:30:00Z"),
            )
        ],
        (task(title=" "), "task.title: may not be blank"),
        (task(title=None), "task.title: is null; only text is read"),
        (task(description=5), "task.description: Input should be a valid string"),
        (task(completed=1), "task.completed: Input should be a valid boolean"),
        (
            task(completed=False, completed_at="2024-05-31T08:30:00Z"),
            "task: has a completed_at, but is not completed",
        ),
        (task(**{SECRET: 1}), "task: has a key that is not in the format"),
    ],
)
def test_a_bad_line_gets_a_sentence(line: bytes | str, sentence: str) -> None:
    problem = reason(line)
    assert problem.startswith(sentence)
    assert SECRET not in problem


FOREIGN = [
    *[
        (with_message(role=role), f"messages[0].role: is {role}; only user and assistant are read")
        for role in ("system", "developer", "tool", "function")
    ],
    (with_message(content=None), "messages[0].content: is null; only text is read"),
    (
        with_message(content=[{"type": "text", "text": SECRET}]),
        "messages[0].content: is a list of parts; only text is read",
    ),
    *[
        (
            with_message(**{key: SECRET}),
            f"messages[0]: has the key {key}, which is not in the format",
        )
        for key in ("name", "weight", "tool_calls", "tool_call_id", "refusal")
    ],
    *[
        (chat(**{key: [SECRET]}), f"has the key {key}, which is not in the format")
        for key in ("tools", "parallel_tool_calls", "model")
    ],
]


@pytest.mark.parametrize(("line", "sentence"), FOREIGN)
def test_what_model_providers_write_is_named(line: str, sentence: str) -> None:
    assert reason(line) == sentence


def test_whose_line_it_is() -> None:
    nobodys = b'{"messages": []}'
    assert parse(nobodys, "bob").user_id == "bob"
    assert parse(chat().encode(), "ada").user_id == "ada"
    assert reason(chat(), "bob") == "user_id: differs from the one given for the whole file"


@pytest.mark.parametrize(
    "number",
    [
        "0",
        "-7",
        "1.10",
        "1e5",
        "-0.5E-3",
        "123456789012345678901234567890",
        "0.12345678901234567890",
    ],
)
def test_metadata_keeps_every_digit(number: str) -> None:
    text = json.dumps(
        {"user_id": "a", "messages": [SAID | {"metadata": {"n": [0], "s": '"\\u0000'}}]}
    )
    line = parse(text.replace("[0]", f"[{number}]").encode())
    assert isinstance(line, ConversationLine)
    assert line.messages[0].metadata == f'{{"n":[{number}],"s":"\\"\\\\u0000"}}'


def test_a_good_task() -> None:
    line = parse(task(completed_at="2024-05-31T10:30:00.5+02:00").encode())
    assert isinstance(line, TaskLine)
    assert line.task.completed is True
    assert str(line.task.completed_at) == "2024-05-31 08:30:00.500000+00:00"


@pytest.mark.parametrize("wrap", ["\ufeff{}", "{}\r\n", "  {}  \n"])
def test_byte_order_mark_and_white_space(wrap: str) -> None:
    assert parse(wrap.replace("{}", chat()).encode()).user_id == "ada"


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.just("2024-05-31T08:30:00Z"),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.binary(max_size=200))
def test_any_bytes_give_a_sentence(line: bytes) -> None:
    assert reason(line)


@given(
    st.sampled_from(["user_id", "messages", "id", "status", "created_at", "updated_at"]),
    json_values,
)
def test_any_value_of_a_conversation(name: str, value: Any) -> None:
    attempt(chat(**{name: value}))


@given(st.sampled_from(["role", "content", "metadata", "id", "created_at"]), json_values)
def test_any_value_of_a_message(name: str, value: Any) -> None:
    attempt(with_message(**{name: value}))


@given(
    st.sampled_from(["title", "description", "completed", "completed_at", "created_at"]),
    json_values,
)
def test_any_value_of_a_task(name: str, value: Any) -> None:
    attempt(task(**{name: value}))


@given(st.integers(0, 60), st.text(alphabet=string.printable, max_size=4))
def test_any_damage_to_a_line(place: int, inserted: str) -> None:
    line = chat()
    attempt(line[:place] + inserted + line[place + 1 :])


def attempt(line: str) -> None:
    """A line is good, or gets a sentence."""
    sentence = "good"
    try:
        parse(line.encode())
    except BadLine as bad:
        sentence = str(bad)
    assert sentence
    assert SECRET not in sentence
    assert "\n" not in sentence


def test_read_lines() -> None:
    file = io.BytesIO(b"a\r\n\n" + b"x" * (2 * LINE_BYTES + 5) + b"\nb\n" + b"c")
    a, empty, cut, b, c = read_lines(file)
    assert (a, empty, b, c) == (b"a\r\n", b"\n", b"b\n", b"c")
    assert cut == b"x" * (LINE_BYTES + 1)
    assert reason(cut) == "is longer than 8,388,608 bytes"


def test_the_longest_line_is_read_whole() -> None:
    longest = b"x" * (LINE_BYTES - 1) + b"\n"
    assert list(read_lines(io.BytesIO(longest + longest))) == [longest, longest]
