"""Input codes for a graph that provoke: what a project is tested with.

::

    codes = random_vectors(graph, 2000, seed=1)
"""

from levelone.stimuli.effort import affordable, work_per_event
from levelone.stimuli.vectors import random_vectors

__all__ = ["affordable", "random_vectors", "work_per_event"]
