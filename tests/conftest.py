"""Compilers that need no time for speed where small networks are compiled."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest
from quick_compiler import quick_flags

from levelone.hls.toolchain import MORE_FLAGS

HERE = Path(__file__).parent
SMALL = ("hls", "verify", "benchmarks")
"""Where networks are so small that compiling them takes longer than running them."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """A fixture would come after those of the session, which compile, too."""
    area = item.path.relative_to(HERE).parts[0] if item.path.is_relative_to(HERE) else ""
    if area not in SMALL:
        return (yield)
    # planted faults may sit in headers that a precompiled one would hide
    flags = quick_flags(precompiled=area == "hls")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(MORE_FLAGS, flags)
        return (yield)
