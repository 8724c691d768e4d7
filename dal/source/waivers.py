"""Waivers of findings: `-- Waives RULE: reason.` in a file's header comment.

`-- Waives seq-scan on users, tasks: reason.` waives the findings about these objects only. A
waiver that waives nothing is itself a finding, so that none outlives its cause.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol, TypeVar

from dal.source.header import Header


class Waivable(Protocol):
    """A finding of any command."""

    @property
    def rule(self) -> str:
        """The rule that is broken."""
        ...

    @property
    def object(self) -> str | None:
        """The object that it is about, such as a table."""
        ...


FindingT = TypeVar("FindingT", bound=Waivable)

UNWAIVABLE = ("refused", "rule-failed", "waiver", "needless-waiver")
"""Rules that no reason can set aside."""

# These findings have unrelated causes, so a waiver has to name an object.
_OBJECT_REQUIRED = ("not-proven",)
_BEGIN = re.compile(r"(?i)waives\b")
_WAIVER = re.compile(r"Waives (?P<rule>[a-z-]+)(?: on (?P<objects>\S+(?:, \S+)*))?: .*\w")
_FORM = "write it as `-- Waives RULE on OBJECT: reason.`, or without an object"


@dataclass(frozen=True, slots=True)
class Waiver:
    """A line that waives a rule.

    Attributes:
        rule: the rule's name.
        object: the object that the findings are about, such as a table; None for all findings.
        offset: the number of characters before the line.
    """

    rule: str
    object: str | None
    offset: int

    def covers(self, finding: Waivable) -> bool:
        """Whether it waives a finding."""
        if self.object is None and self.rule in _OBJECT_REQUIRED:
            return False
        return self.rule == finding.rule and self.object in (None, finding.object)


def waivers(header: Header) -> tuple[list[Waiver], list[int]]:
    """The waivers in a header comment, and the offsets of malformed ones."""
    parsed: list[Waiver] = []
    malformed: list[int] = []
    for text, offset in header.lines:
        if match := _WAIVER.match(text):
            objects = match["objects"].split(", ") if match["objects"] else [None]
            parsed += [Waiver(match["rule"], name, offset) for name in objects]
        elif _BEGIN.match(text):
            malformed.append(offset)
    return parsed, malformed


def apply_waivers(
    findings: Iterable[FindingT],
    header: Header,
    *,
    rules: Iterable[str] | None,
    can_tell_needless: Callable[[Waiver], bool],
    make: Callable[[str, int, str, str], FindingT],
) -> Iterator[FindingT]:
    """The findings that no waiver covers, and those about the waivers themselves.

    Parameters:
        findings: the findings of one file.
        header: the file's header comment.
        rules: the names that a waiver may have; None if they are not known.
        can_tell_needless: whether a waiver that covers nothing is certainly needless.
        make: makes a finding of this file from rule, offset, message and help.
    """
    parsed, malformed = waivers(header)
    used: set[Waiver] = set()
    for finding in findings:
        covering = [waiver for waiver in parsed if waiver.covers(finding)]
        used.update(covering)
        if not covering or finding.rule in UNWAIVABLE:
            yield finding
    for offset in malformed:
        yield make("waiver", offset, "this line waives nothing", _FORM)
    names = sorted({*(rules or ())}.difference(UNWAIVABLE))
    for waiver in parsed:
        if rules is not None and waiver.rule not in names:
            message = f"no rule that can be waived is called {waiver.rule}"
            yield make("waiver", waiver.offset, message, f"there are {', '.join(names)}")
        elif waiver.rule in _OBJECT_REQUIRED and waiver.object is None:
            message = f"the waiver does not name what is {waiver.rule}"
            help_ = f"write `-- Waives {waiver.rule} on OBJECT: reason.`"
            yield make("waiver", waiver.offset, message, help_)
        elif waiver not in used and can_tell_needless(waiver):
            on = f" on {waiver.object}" if waiver.object else ""
            message = f"nothing breaks the rule {waiver.rule}{on}"
            yield make("needless-waiver", waiver.offset, message, "take it out")
