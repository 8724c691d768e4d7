"""SQL files as people write them: places, header comments, and what they waive."""

from dal.source.header import Header
from dal.source.text import Source
from dal.source.waivers import Waiver, apply_waivers

__all__ = ["Header", "Source", "Waiver", "apply_waivers"]
