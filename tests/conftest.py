"""Compilers that need no time for speed where small networks are compiled."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest
from quick_compiler import quick_flags

from levelone.hls.toolchain import MORE_FLAGS

HERE = Path(__file__).parent
SMALL = ("api", "app", "benchmarks", "docs", "graph", "hls", "quant", "verify")
"""Where networks are so small, or vectors so few, that compiling takes longer than running.

The projects that are committed are compiled as users compile them: `test_hls_projects.py`.
"""
EDITED = ("benchmarks",)
"""Where faults are planted in the headers of types, which a precompiled one would hide."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """A fixture would come after those of the session, which compile, too."""
    area = item.path.relative_to(HERE).parts[0] if item.path.is_relative_to(HERE) else ""
    if area not in SMALL:
        return (yield)
    flags = quick_flags(precompiled=area not in EDITED)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(MORE_FLAGS, flags)
        return (yield)
