"""Jobs, which several workers take at once."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from shop import jobs
from shop.jobs import Job, NewJob, Payload

import dal

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ORDER = UUID("5d0e8c1e-8d2f-4a52-9d0e-2f0a5c3f7b11")


async def test_each_job_is_taken_once(dal_db: dal.Database) -> None:
    mail, invoice = Payload(order_id=ORDER, template="thanks"), Payload(order_id=ORDER)
    new = [
        NewJob("mail", mail, NOW),
        NewJob("invoice", invoice, NOW - timedelta(hours=1)),
        NewJob("mail", mail, NOW + timedelta(hours=1)),
    ]
    first, second, third = await jobs.enqueue(dal_db, jobs=new)
    assert await jobs.enqueue(dal_db, jobs=[]) == []
    async with dal_db.transaction() as worker, dal_db.transaction() as other:
        taken = await jobs.take(worker, now=NOW, limit=1)
        assert taken == [Job(id=second, kind="invoice", payload=invoice)]
        # It does not wait for the first worker, and passes over what that has taken.
        passed_on = await jobs.take(other, now=NOW)
        assert passed_on == [Job(id=first, kind="mail", payload=mail)]
    assert await jobs.take(dal_db, now=NOW) == []
    assert [job.id for job in await jobs.take(dal_db, now=NOW + timedelta(days=1))] == [third]
