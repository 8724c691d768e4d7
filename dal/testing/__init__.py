"""Tests against a real PostgreSQL: a pytest plugin, in the extra `testing`.

Its fixtures are `dal_server`, `dal_database` (the URL of a fresh, migrated database) and `dal_db`
(a `dal.Database` that is connected to it). DAL_TEST_POSTGRES chooses the server
(`dal.testing.chosen_server` lists the choices); without it, an embedded one is started.
DATABASE_URL and `.env` are never read, and only databases that were made in the run are dropped.
"""

from dal.testing.service_check import UnprovenWarning, assert_proven

__all__ = ["UnprovenWarning", "assert_proven"]
