"""What an import costs a process that starts."""

import os
import statistics
import subprocess
import sys
from dataclasses import dataclass

from tests.benchmarks.steps import Each

_INTRODUCTION = """\
## Start

Imports, from compiled files. dal leaves each function's validators to its first call.

| in a process of its own | ms |
|---|--:|
"""
_CHILD = """
import sys, time
start = time.perf_counter()
package = __import__(sys.argv[1])
if sys.argv[1] == "dal":  # which imports a module when it is asked for: all of them here
    [getattr(package, name) for name in package.__all__]
print(time.perf_counter() - start)
"""


@dataclass(frozen=True)
class Imports:
    """Milliseconds of each round, by package."""

    times: dict[str, list[float]]

    def over(self, package: str, other: str) -> float:
        """How many times as long as another: the median of the rounds' ratios."""
        pairs = zip(self.times[package], self.times[other], strict=True)
        return statistics.median(a / b for a, b in pairs)


def measure(packages: list[str], *, rounds: int = 15, each: Each[int] = iter) -> Imports:
    """Import each package in a process of its own, from compiled files."""
    times: dict[str, list[float]] = {package: [] for package in packages}
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    for turn in each(range(rounds + 1)):
        for package in packages:
            command = [sys.executable, "-c", _CHILD, package]
            child = subprocess.run(
                command, capture_output=True, check=True, env=environment, text=True
            )
            if turn:  # the first one compiles, where nobody has yet
                times[package].append(float(child.stdout) * 1e3)
    return Imports(times)


def page(imports: Imports) -> str:
    """Its section of the page."""
    lines = [
        f"| `import {package}` | {statistics.median(times):.0f} |\n"
        for package, times in imports.times.items()
    ]
    return _INTRODUCTION + "".join(lines)
