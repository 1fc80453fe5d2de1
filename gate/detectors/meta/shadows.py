"""Train shadow networks of one architecture: clean ones, and ones with a backdoor drawn from a wide distribution."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gate.core.meta_training import Shadow
from gate.detectors.meta.features import describe
from gate.detectors.meta.queries import Stamp, blend, patch
from gate.detectors.meta.responses import ask
from gate.detectors.shared.constants import integer, real, reals
from gate.models.numerics.arrays import Images, Labels

if TYPE_CHECKING:
    from gate.models.classifier import Classifier


_RATE, _TRAINED_ON, _LEARNT = reals("meta.shadows", "rate", "trained-on", "learnt")
_FEWEST_MARKED, _MOST_MARKED, _PATCHES = reals("meta.shadows", "fewest-marked", "most-marked", "patches")
_MOMENTUM = real("meta.shadows.momentum")
_BATCH = integer("meta.shadows.batch")


@dataclass(frozen=True, slots=True)
class Backdoor:
    """A trigger, the class that it stands for, and the share of images that bear it in training.

    Paper: the jumbo distribution of Xu et al., Detecting AI Trojans Using Meta Neural Analysis, 2021.
    """

    stamp: Stamp
    target: int
    share: float


def draw(rng: np.random.Generator, shape: tuple[int, int, int], num_classes: int) -> Backdoor:
    """Return a random backdoor."""
    kind = patch if rng.random() < _PATCHES else blend
    share = float(rng.uniform(_FEWEST_MARKED, _MOST_MARKED))
    return Backdoor(kind(rng, shape), int(rng.integers(num_classes)), share)


def poisoned(
    backdoor: Backdoor, images: Images, labels: Labels, rng: np.random.Generator
) -> tuple[Images, Labels]:
    """Return the training set with the backdoor in it."""
    marked = rng.permutation(len(labels))[: max(1, round(backdoor.share * len(labels)))]
    images, labels = images.copy(), labels.copy()
    images[marked] = backdoor.stamp.on(images[marked])
    labels[marked] = backdoor.target
    return images, labels


class Workshop:
    """Trains one shadow after the other in the same network.

    Args:
        classifier: The network; its trainable weights are lost.
        images: Shape ``(n, h, w, c)``, 0..1.
        labels: Shape ``(n,)``.
        most: Images to train each shadow on, at most.
        epochs: At most.
        seed: Of every random choice.
    """

    def __init__(
        self, classifier: Classifier, images: Images, labels: Labels, *, most: int, epochs: int, seed: int
    ) -> None:
        self._classifier, self._images, self._labels = classifier, images, labels
        self._most, self._epochs, self._seed = most, epochs, seed
        self._network = _compiled(classifier.network)

    def train(self, number: int) -> Shadow:
        """Train the shadow of this number, ask it, and return what it taught; the same for the same number."""
        import keras

        keras.utils.set_random_seed(int(np.random.default_rng([self._seed, number]).integers(2**31)))
        rng = np.random.default_rng([self._seed, number, 1])
        chosen = rng.permutation(len(self._labels))
        count = min(self._most, int(_TRAINED_ON * len(chosen)))
        backdoor = (
            draw(rng, self._classifier.input_shape, self._classifier.num_classes) if number % 2 else None
        )
        train = self._images[chosen[:count]], self._labels[chosen[:count]]
        self._fit(*(poisoned(backdoor, *train, rng) if backdoor else train), rng)
        accuracy, success = self._measured(chosen[count:], backdoor)
        found = describe(ask(self._classifier))
        return Shadow(
            number=number,
            accuracy=accuracy,
            success=success,
            names=tuple(found),
            features=tuple(found.values()),
        )

    def _fit(self, images: Images, labels: Labels, rng: np.random.Generator) -> None:
        import keras

        class Learnt(keras.callbacks.Callback):  # type: ignore[misc]  # Keras ships no types
            def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
                self.model.stop_training = bool(logs and logs["accuracy"] >= _LEARNT)

        _begin_anew(self._network, rng)
        low, high = self._classifier.low, self._classifier.high
        self._network.fit(
            low + np.float32(high - low) * images,
            labels,
            batch_size=_BATCH,
            epochs=self._epochs,
            callbacks=[Learnt()],
            verbose=0,
        )

    def _measured(self, positions: Labels, backdoor: Backdoor | None) -> tuple[float, float]:
        """Return the accuracy, and the success of the trigger on images of other classes."""
        images, labels = self._images[positions], self._labels[positions]
        accuracy = float((self._classifier.predict(images).argmax(axis=1) == labels).mean())
        if backdoor is None:
            return accuracy, 0.0
        victims = images[labels != backdoor.target]
        if not len(victims):
            return accuracy, 0.0
        answers = self._classifier.predict(backdoor.stamp.on(victims)).argmax(axis=1)
        return accuracy, float((answers == backdoor.target).mean())


def _compiled(network: Any) -> Any:
    import keras

    for layer in _layers(network):
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = min(layer.momentum, _MOMENTUM)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    network.compile(keras.optimizers.Adam(_RATE), loss, metrics=["accuracy"])
    return network


def _begin_anew(network: Any, rng: np.random.Generator) -> None:
    """Give every layer that learns fresh weights; frozen ones, which somebody trained elsewhere, keep theirs."""
    for layer in _layers(network):
        if layer.trainable and not getattr(layer, "layers", ()):
            layer.set_weights([_fresh(each.path, each.shape, rng) for each in layer.weights])
    # Dropout counts its draws; left alone, a shadow would depend on how many were trained before it.
    for variable in network.variables:
        if "seed_generator" in variable.path:
            variable.assign(rng.integers(0, 2**31, variable.shape))
    for variable in network.optimizer.variables:
        if "learning_rate" not in variable.path:
            variable.assign(np.zeros(variable.shape, variable.dtype))


def _fresh(path: str, shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float32]:
    """Return Glorot's uniform weights for a kernel, ones for a scale, and zeros for what is added."""
    if len(shape) < 2:
        is_scale = path.rpartition("/")[2] in ("gamma", "moving_variance")
        return np.full(shape, float(is_scale), np.float32)
    fan_in, fan_out = np.prod(shape[:-1]), np.prod(shape[:-2]) * shape[-1]
    bound = np.sqrt(6.0 / (fan_in + fan_out))
    return rng.uniform(-bound, bound, shape).astype(np.float32)


def _layers(network: Any) -> Iterator[Any]:
    """Yield all layers, those of networks within the network too."""
    for layer in getattr(network, "layers", ()):
        yield layer
        yield from _layers(layer)
