"""What a loader made of a model file, as data: so that two loaders can be compared across a process border."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedLayer:
    """A layer or an operation of a loaded network.

    Attributes:
        name: After the networks around it, with slashes. Written by a stranger; two loaders may name a layer differently.
        kind: Module and name of its class.
        options: What it was built with, as JSON, without what only training uses.
        precision: Types that it computes and keeps its weights in, such as "mixed_float16".
        weights: Of each weight, in order: shape, type and digest; and which variable of the network it is.
        calls: Of each call, in order, as JSON: arguments, with references to earlier outputs, and shapes and types that come out.
    """

    name: str
    kind: str
    options: str
    precision: str
    weights: tuple[str, ...]
    calls: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedNetwork:
    """A loaded network: two that are equal but for names compute the same.

    Attributes:
        layers: In the order in which they run; those of an inner network follow it.
        outputs: Which of their outputs are the network's, as JSON.
        together: Its answers to fixed images in one batch, ``(n, k)`` little-endian float32; b"" if it takes no images.
        alone: The same to some of the images, one by one.
    """

    layers: tuple[LoadedLayer, ...]
    outputs: str
    together: bytes
    alone: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class KerasLoad:
    """What Keras' own loader makes of a model file.

    Attributes:
        version: Of Keras.
        network: What it built; None if it refused the file.
        refusal: Why it did; "" if it did not.
    """

    version: str
    network: LoadedNetwork | None = None
    refusal: str = ""

    def __str__(self) -> str:
        if self.network is not None:
            return f"Keras {self.version} builds the same network"
        return f"Keras {self.version} cannot load this file, which an earlier version wrote ({self.refusal})"
