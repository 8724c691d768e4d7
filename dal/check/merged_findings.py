"""Merges the findings of a statement's variants (dal.binding.variants): each is reported once."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

from dal.check.findings import Finding
from dal.check.statement import BoundStatement


def merged(
    findings: Sequence[Sequence[Finding]], variants: Sequence[BoundStatement]
) -> Iterator[Finding]:
    """Each finding once; if only some variants have it, the message says how many, and names one.

    Parameters:
        findings: the findings of each variant.
        variants: the variants of one statement.
    """
    variants_by_finding: dict[Finding, list[BoundStatement]] = defaultdict(list)
    for variant, variant_findings in zip(variants, findings, strict=True):
        for finding in dict.fromkeys(variant_findings):
            variants_by_finding[finding].append(variant)
    for finding, affected in variants_by_finding.items():
        if len(affected) == len(variants):
            yield finding
        elif finding.rule != "needless-waiver":  # another variant needs it
            text = (
                f"{finding.message} (in {len(affected)} of {len(variants)}, {_example(affected)})"
            )
            yield replace(finding, message=text)


def _example(variants: Sequence[BoundStatement]) -> str:
    """The first variant, described by its parameters."""
    first = variants[0].binding.statement
    names = first.variant
    if not names:
        return "for example without any `-- if` line"
    return f"for example with {', '.join(f':{name}' for name in names)}"
