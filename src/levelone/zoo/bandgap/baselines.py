"""Classical answers for every pixel: linear filter, kernel regression, boosted trees; the leak control."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.zoo.bandgap.features import blind, patches, quantities
from levelone.zoo.kit.boosting import View
from levelone.zoo.kit.events import Events, Outputs, Predictor, Source
from levelone.zoo.kit.trees import Trees, regressor

_IMAGES = 1500  # training images
_EACH = 64  # pixels of each
_BATCH = 128
_LANDMARKS = 500
_WIDTHS = (0.003, 0.01, 0.03)  # of the kernel, tried
_RIDGES = (1e-3, 1e-1, 10.0)
_TUNED_ON = 5000  # pixels of images that nothing was fitted to, while the width is chosen
_HELD = 4  # one image in so many of those


def fit_filter(train: Source, seed: int) -> Predictor:
    """The linear filter of 15 x 15 heights that fits best, with a constant."""
    from sklearn.linear_model import RidgeCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return _fitted(make_pipeline(StandardScaler(), RidgeCV(_RIDGES)), train, patches, seed)


def fit_kernel(train: Source, pixel_nm: float, grip_nm: float, seed: int) -> Predictor:
    """Kernel ridge regression (Gaussian kernel, Nystroem's landmarks) on `quantities`.

    The kernel's width is the one that answers best for images of which no pixel was fitted: narrow kernels
    learn by heart what the pixels of an image have in common.
    """
    from sklearn.kernel_approximation import Nystroem
    from sklearn.linear_model import RidgeCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    view = partial(quantities, pixel_nm=pixel_nm, grip_nm=grip_nm)
    seen, wanted, image = gathered(train, view, seed)

    def regression(width: float) -> Any:
        kernel = Nystroem(gamma=width, n_components=min(_LANDMARKS, len(kept)), random_state=seed)
        return make_pipeline(StandardScaler(), kernel, RidgeCV(_RIDGES))

    held, kept = (np.flatnonzero((image % _HELD == 0) == apart) for apart in (True, False))
    held, kept = held[:_TUNED_ON], kept[: 3 * _TUNED_ON]

    def missed(width: float) -> float:
        trial = regression(width).fit(seen[kept], wanted[kept])
        return float(np.mean((trial.predict(seen[held]) - wanted[held]) ** 2))

    best = regression(min(_WIDTHS, key=missed)).fit(seen, wanted)
    return lambda events: _as_maps(events, best.predict(view(events)))


def fit_trees(train: Source, pixel_nm: float, grip_nm: float, seed: int) -> Predictor:
    """Boosted trees on `quantities`."""
    view = partial(quantities, pixel_nm=pixel_nm, grip_nm=grip_nm)
    return _fitted(_trees(seed, 400), train, view, seed)


def fit_control(train: Source, seed: int) -> Predictor:
    """Boosted trees that know what must not matter: `blind`."""
    return _fitted(_trees(seed, 100), train, blind, seed)


def gathered(
    train: Source, view: View, seed: int
) -> tuple[NDArray[Any], NDArray[np.float64], NDArray[np.int64]]:
    """Some pixels of some images, in random order.

    Returns
    -------
    tuple
        Of each pixel what `view` says, what the network should say, and which image it is of.
    """
    rng = np.random.default_rng(seed)
    seen, wanted, image = [], [], []
    images = 0
    for events in train.limited(_IMAGES).batches(_BATCH):
        target = events.truth["wanted"].ravel()
        rows = rng.choice(len(target), min(len(target), _EACH * len(events)), replace=False)
        seen.append(view(events)[rows])
        wanted.append(target[rows])
        image.append(images + rows // (len(target) // len(events)))
        images += len(events)
    order = rng.permutation(sum(map(len, wanted)))
    told, answer, number = (np.concatenate(part)[order] for part in (seen, wanted, image))
    return told, answer.astype(np.float64), number


def _trees(seed: int, most: int) -> Trees:
    return regressor(max_iter=most, early_stopping=True, random_state=seed)


def _fitted(regression: Any, train: Source, view: View, seed: int) -> Predictor:
    seen, wanted, _ = gathered(train, view, seed)
    regression.fit(seen, wanted)
    return lambda events: _as_maps(events, regression.predict(view(events)))


def _as_maps(events: Events, answer: NDArray[Any]) -> Outputs:
    return {"gap": answer.reshape(events.inputs["topography"].shape).astype(np.float32)}
