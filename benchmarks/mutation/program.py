"""The program that a compiler sees, without building it."""

from __future__ import annotations

import subprocess

from levelone.hls.compile import FLAGS, one_unit, units_of
from levelone.hls.manifest import Manifest
from levelone.hls.toolchain import find_compiler


def program_of(manifest: Manifest) -> str:
    """Firmware and bridge of a project after the preprocessor, blanks and lines aside."""
    command = [str(find_compiler().path), *FLAGS, *one_unit(*units_of(manifest.name)), "-E", "-P"]
    done = subprocess.run(command, cwd=manifest.project, capture_output=True, text=True, check=True)
    return " ".join(done.stdout.split())
