"""`dal stats` by way of PgBouncer, which may run each transaction on another connection."""

from tests.stats.looking import fill, look, run


def test_it_sees_all(pooled: str, url: str) -> None:
    fill(url)
    seen = look(pooled)
    assert {note.what for note in seen.unseen} <= {"functions"}
    assert [count.rows for count in seen.retention or ()] == [1, 0, 0, 0]
    assert "nobody waits for a lock" in run(pooled)
