"""The chart of the README: one call's time, side by side."""

# pyright: reportMissingImports=false
# The `bench` extra may be absent.

import io
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from tests.benchmarks.speed import Table
from tests.benchmarks.works import APPEND, HISTORY, LIST, TURN

_OURS, _OTHERS, _TEXT = "#0b6e4f", "#b8bec6", "#20262d"
_SHOWN = [
    "dal",
    "asyncpg, Pool.fetch",
    "SQLModel",
    "PostgresChatMessageHistory",
    "SQLAlchemySession",
]


def svg(table: Table) -> str:
    """A panel for each of four works; every axis begins at zero."""
    settings: Any = {
        "font.family": "sans-serif",
        "font.size": 9,
        "svg.fonttype": "none",
        "svg.hashsalt": "dal",
        "text.color": _TEXT,
        "axes.labelcolor": _TEXT,
        "xtick.color": _TEXT,
        "ytick.color": _TEXT,
    }
    with matplotlib.rc_context(settings):
        figure = Figure(figsize=(9, 4.6), layout="constrained")
        for axes, work in zip(
            figure.subplots(2, 2).flat, [HISTORY, APPEND, TURN, LIST], strict=True
        ):
            shown = [name for name in reversed(_SHOWN) if (name, work) in table]
            times = [table[name, work].median for name in shown]
            colors = [_OURS if name == "dal" else _OTHERS for name in shown]
            bars = axes.barh(shown, times, color=colors, height=0.7)
            axes.bar_label(bars, [f"{time:,.0f}" for time in times], padding=3)
            axes.set_title(work.title, loc="left", fontweight="bold")
            axes.set_xlim(0, max(times) * 1.15)
            axes.set_xlabel("µs a call")
            axes.xaxis.set_major_formatter("{x:,.0f}")
            axes.spines[["top", "right"]].set_visible(False)
        text = io.StringIO()
        figure.savefig(text, format="svg", facecolor="white", metadata={"Date": None})
    return text.getvalue()
