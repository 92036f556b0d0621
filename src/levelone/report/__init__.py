"""Tables, plots and the HTML page of a run."""

from levelone.report.content import Content, Examples
from levelone.report.page import build_page

__all__ = ["Content", "Examples", "build_page"]
