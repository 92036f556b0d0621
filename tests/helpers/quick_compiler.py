"""Flags that halve the time of compiling a small project."""

from __future__ import annotations

import functools
import hashlib
import os
import shlex
import subprocess
import tempfile
from pathlib import Path

import hls4ml

from levelone.files import atomic_path, write_text
from levelone.hls.compile import FLAGS
from levelone.hls.toolchain import find_compiler

LEVEL = "-O0"
PRELUDE = '#include "ap_fixed.h"\n#include "hls_stream.h"\n' + "".join(
    f"#include <{name}>\n"
    for name in ("algorithm", "array", "cmath", "fstream", "iostream", "map", "sstream", "vector")
)


@functools.cache
def quick_flags(*, precompiled: bool) -> str:
    """What ``LEVELONE_CXXFLAGS`` is set to.

    Parameters
    ----------
    precompiled
        The headers that every project includes are parsed only once. A project whose own copy of them was
        changed would not notice.
    """
    return shlex.join([LEVEL, "-include", str(_prelude())] if precompiled else [LEVEL])


def _prelude() -> Path:
    types = Path(hls4ml.__file__).parent / "templates" / "vivado" / "ap_types"
    compiler = find_compiler()
    key = hashlib.sha256(repr((PRELUDE, FLAGS, LEVEL, compiler.version, str(types))).encode()).hexdigest()[
        :16
    ]
    folder = Path(tempfile.gettempdir()) / f"levelone-prelude-{os.getuid()}-{key}"
    header, made = folder / "prelude.h", folder / "prelude.h.gch"
    if not made.is_file():
        write_text(header, PRELUDE)
        with atomic_path(made) as scratch:  # another process may be at it, too
            words = [*FLAGS, LEVEL, "-I", str(types), "-x", "c++-header", str(header), "-o", str(scratch)]
            subprocess.run([str(compiler.path), *words], check=True)
    return header
