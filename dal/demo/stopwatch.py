"""Measures how long calls of the public functions take."""

import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from statistics import median, quantiles
from typing import NamedTuple, ParamSpec, TypeVar

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class Timing(NamedTuple):
    """One function's calls; times in milliseconds."""

    function: str
    calls: int
    median: float
    p95: float
    slowest: float


class Stopwatch:
    """Calls functions and remembers how long each took."""

    def __init__(self) -> None:
        self._seconds: dict[str, list[float]] = defaultdict(list)

    async def __call__(
        self,
        function: Callable[Arguments, Awaitable[Result]],
        /,
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Result:
        """Await `function(*args, **kwargs)`; a call that raises counts as well."""
        start = time.perf_counter()
        try:
            return await function(*args, **kwargs)
        finally:
            module = function.__module__.rpartition(".")[2]
            self._seconds[f"{module}.{function.__name__}"].append(time.perf_counter() - start)

    def timings(self) -> Iterator[Timing]:
        """Every function that was called, in order of its first call."""
        for name, seconds in self._seconds.items():
            times = [second * 1000 for second in seconds]
            p95 = quantiles(times, n=20, method="inclusive")[-1] if len(times) > 1 else times[0]
            yield Timing(name, len(times), median(times), p95, max(times))
