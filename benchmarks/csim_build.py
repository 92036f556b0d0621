"""Building the C simulation: levelone's build of a project against hls4ml's own script on the same project.

The two take turns in one run; a third figure is levelone's build when nothing changed (found by digest).
"""

from __future__ import annotations

import shutil
import statistics
import tempfile
from pathlib import Path

from benchmarks.lib.common import arguments, load, plain_hls4ml, quiet, show
from levelone.hls import HlsConfig, build, convert


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--io", choices=("parallel", "stream"), default="parallel")
    options = parser.parse_args()
    ours, plain = [], []
    with tempfile.TemporaryDirectory() as folder, quiet():
        graph, path = load(options, Path(folder))
        project = Path(folder) / "project"
        convert(graph, project, HlsConfig(io=options.io), model=path)
        for _ in range(options.repeat):
            plain.append(plain_hls4ml(project)[1])
            for made in (project / "firmware").glob("*.so"):
                made.unlink()
            shutil.rmtree(project / "build", ignore_errors=True)
            ours.append(build(project).build_seconds)
        again = build(project)
    show(
        {
            "io": options.io,
            "levelone_seconds": statistics.median(ours),
            "hls4ml_seconds": statistics.median(plain),
            "levelone_over_hls4ml": statistics.median(ours) / statistics.median(plain),
            "unchanged_seconds": again.build_seconds,
            "unchanged_reused": again.reused,
        },
        options.json,
    )


if __name__ == "__main__":
    main()
