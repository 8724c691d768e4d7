"""The findings of a statement that is sent in several forms, each of them said once."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

from dal.check.findings import Finding
from dal.check.statement import BoundStatement


def merged(
    findings: Sequence[Sequence[Finding]], variants: Sequence[BoundStatement]
) -> Iterator[Finding]:
    """The findings of all variants; one that not all have says in how many, and an example.

    Parameters:
        findings: those of each variant.
        variants: the forms of one statement.
    """
    having: dict[Finding, list[BoundStatement]] = defaultdict(list)
    for variant, own in zip(variants, findings, strict=True):
        for finding in dict.fromkeys(own):
            having[finding].append(variant)
    for finding, those in having.items():
        if len(those) == len(variants):
            yield finding
        elif finding.rule != "needless-waiver":  # another variant needs it
            text = f"{finding.message} (in {len(those)} of {len(variants)}, {_example(those)})"
            yield replace(finding, message=text)


def _example(variants: Sequence[BoundStatement]) -> str:
    """The first of some variants, by the parameters that it has or lacks."""
    first = variants[0].binding.statement
    names = first.variant
    if not names:
        return "for example without any `-- if` line"
    return f"for example with {', '.join(f':{name}' for name in names)}"
