"""The rules for statements and for the schema.

A rule is a function that takes a statement and the schema's catalogue, and yields findings. To add
a rule, write it in a file of its own here, and add a line to the list.
"""

from dal.check.project import Rule, SchemaRule
from dal.check.rules.columns import columns
from dal.check.rules.files import files
from dal.check.rules.indexes import indexes
from dal.check.rules.labels import labels
from dal.check.rules.null_arguments import null_arguments
from dal.check.rules.nulls import nulls
from dal.check.rules.optional_filters import optional_filters
from dal.check.rules.order import order
from dal.check.rules.owner_columns import owner_columns
from dal.check.rules.owners import owners
from dal.check.rules.parameters import parameters
from dal.check.rules.plans import HELP, plans
from dal.check.rules.stars import stars

RULES = (
    Rule(parameters, "parameter-type", "enum-labels", "json", "not-proven"),
    Rule(
        columns,
        *("column-type", "missing-column", "extra-column", "duplicate-column", "fetch-mode"),
        *("enum-labels", "json", "not-proven"),
    ),
    Rule(nulls, "nullable"),
    Rule(null_arguments, "nullable"),
    Rule(labels, "enum-labels"),
    Rule(owners, "owner-filter", "not-proven"),
    Rule(stars, "star"),
    Rule(optional_filters, "optional-filter"),
    Rule(order, "order"),
    Rule(plans, *HELP),
)
"""The rules of all projects; a project may add more (`Project.rules`)."""

SCHEMA_RULES: tuple[SchemaRule, ...] = (indexes, files, owner_columns)
"""The rules for all statements and the schema."""

PLAN_RULES = tuple(HELP)
"""The names of the rules whose findings depend on a database's rows."""
