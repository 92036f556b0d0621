"""levelone from Python: a model, its project, its verdict.

``import levelone`` brings these names without importing anything heavy; each is loaded when it is first asked
for. `levelone.read` and `levelone.export` give a `Model`, `Model.convert` and `levelone.open` a `Project`,
`Project.csim` a `Verdict` and `Project.diff` a `Diagnosis`.
"""

from levelone.api.documents import Diagnosis, Layers, Verdict
from levelone.api.exporting import export
from levelone.api.model import Model, read
from levelone.api.project import Project, open
from levelone.errors import LeveloneError, PortWarning

__all__ = [
    "Diagnosis",
    "Layers",
    "LeveloneError",
    "Model",
    "PortWarning",
    "Project",
    "Verdict",
    "export",
    "open",
    "read",
]
