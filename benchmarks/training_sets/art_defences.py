"""IBM ART's defences of training sets, as they come, fed activations that were stored."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]

DEFENCES = (
    "ART ActivationDefence smaller",
    "ART ActivationDefence silhouette-scores",
    "ART SpectralSignatureDefense",
)


def art_clean(name: str, archive: Any) -> Bools:
    """Return which samples ART calls clean, given the stored activations as those of its only layer."""
    from art.defences.detector.poison import ActivationDefence, SpectralSignatureDefense
    from art.estimators.classification import BlackBoxClassifier

    activations, labels = archive["activations"], archive["labels"].astype(np.int64)
    one_hot = np.eye(int(labels.max()) + 1, dtype=np.float32)[labels]

    class Given(BlackBoxClassifier):  # type: ignore[misc]  # ART has no types
        """A classifier whose layer is what was stored."""

        layer_names = ("penultimate",)

        def get_activations(self, *_: Any, **__: Any) -> Any:
            return activations

    given = Given(lambda x: one_hot[: len(x)], activations.shape[1:], one_hot.shape[1])
    if name.startswith("ART ActivationDefence"):
        defence = ActivationDefence(given, activations, one_hot)
        defence.detect_poison(nb_clusters=2, nb_dims=10, reduce="PCA", cluster_analysis=name.split()[-1])
        return np.asarray(defence.is_clean_lst, bool)
    spectral = SpectralSignatureDefense(given, activations, one_hot)
    return np.asarray(spectral.detect_poison()[1], bool)
