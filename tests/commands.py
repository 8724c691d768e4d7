"""A call of every command that connects, for what all of them have to withstand."""

CALLS = {
    "ping": "ping",
    "migrate": "migrate",
    "status": "status",
    "rollback": "rollback --yes",
    "baseline": "baseline 0004",
    "distribute": "distribute --undo",  # elsewhere it takes a cluster
    "import": "import {chats} --keep-going",
    "export": "export",
    "explain": "explain users.get --user-id ada",
    "stats": "stats",
    "archive": "archive",
    "purge": "purge --archived-for 1d",
    "erase-user": "erase-user grace --dry-run",
    "orphans": "orphans",
}
# These have a server of their own unless they are given an address.
WITH_OWN_SERVER = {"check": "check", "demo": "demo --data {chats} --url {url}"}
# These need none.
ALONE = {"grants", "sql", "new", "lint-migrations", "catalog"}
