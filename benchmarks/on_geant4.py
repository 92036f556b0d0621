"""Everything that a run has measured, on the events of another file: Geant4's, for instance.

    levelone run next --events 60000 --out runs/next
    levelone simulate next --events 6000 --seed 7 --set generate.engine=geant4 -o geant4.h5
    python -m benchmarks.on_geant4 runs/next geant4.h5

Networks and baselines are those of the run, trained and fitted on its own events; of the file all are used.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from levelone.pipeline.job import open_run
from levelone.train.measurement import fitted, measure
from levelone.train.pipeline import limits
from levelone.zoo.kit.events import SPLITS


def figures(run: Path, data: Path) -> dict[str, Any]:
    """What the meter of the run's system says of its models on all events of a file."""
    job = open_run(run)
    train = job.system.source(job.recipe, job.data, "train", limits(job.recipe)["train"])
    models, _ = fitted(job.system, job.recipe, train, run)
    meter = job.system.meter(job.recipe, train)
    for split in SPLITS:
        measure(models, job.system.source(job.recipe, data, split).batches(256), meter)
    return dict(meter.result())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path, help="folder of a finished run")
    parser.add_argument("file", type=Path, help="events of its system")
    parser.add_argument("--json", action="store_true", help="print one JSON object on one line")
    options = parser.parse_args()
    print(json.dumps(figures(options.run, options.file), indent=None if options.json else 1))


if __name__ == "__main__":
    main()
