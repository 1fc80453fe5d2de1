"""What a network is, apart from how its file was written: digests of its architecture and of each layer's weights."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerDigest:
    """The weights of one layer.

    Attributes:
        name: Of the layer, after the names of the networks around it: "encoder/conv2d". Written by a stranger.
        sha256: Of the weights' shapes, types and values, 64 hex digits.
        weights: How many numbers they are.
    """

    name: str
    sha256: str
    weights: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """A network as its file stores it.

    Attributes:
        sha256: Of architecture and weights together, 64 hex digits; `gate.triage.content` says what it covers.
        architecture_sha256: Of the architecture alone.
        layers: Those that have weights, in the order of the architecture.
    """

    sha256: str
    architecture_sha256: str
    layers: tuple[LayerDigest, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseIndex:
    """What a detector measured on the model at the base commit."""

    detector: str
    anomaly_index: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How a network differs from the one that lies under the same path at the base commit.

    Attributes:
        base_sha256: Of the base's file, 64 hex digits.
        base_anomaly_index: That of the base's model, by the same scan; None if nobody knows.
        is_architecture_changed: Whether anything but the weights differs.
        changed_layers: Layers of both whose weights differ, in the order of the new architecture.
        added_layers: Layers with weights that the base does not have.
        removed_layers: Layers with weights that only the base has.
        base_indices: What each detector measured on the base, in policy order; none if nobody knows.
    """

    base_sha256: str
    base_anomaly_index: float | None = None
    is_architecture_changed: bool
    changed_layers: tuple[str, ...]
    added_layers: tuple[str, ...]
    removed_layers: tuple[str, ...]
    base_indices: tuple[BaseIndex, ...] = ()

    def base_index(self, detector: str) -> float | None:
        """Return what a detector measured on the base; None if nobody knows."""
        return next((each.anomaly_index for each in self.base_indices if each.detector == detector), None)

    def __str__(self) -> str:
        parts = [
            f"{word} {', '.join(names[:_SHOWN])}{', ...' if len(names) > _SHOWN else ''} ({len(names)})"
            for word, names in (
                ("changed weights in", self.changed_layers),
                ("new layers", self.added_layers),
                ("removed layers", self.removed_layers),
            )
            if names
        ]
        if self.is_architecture_changed:
            parts.append("the architecture differs")
        return "; ".join(parts) or "the same network, saved anew"


_SHOWN = 5


def compare(
    before: Content,
    after: Content,
    *,
    base_sha256: str,
    base_anomaly_index: float | None = None,
    base_indices: tuple[BaseIndex, ...] = (),
) -> Difference:
    """Return what changed from the network at the base commit to the one under examination.

    The rest tells of the base: the digest of its file, and what was measured on it.
    """
    old = {layer.name: layer.sha256 for layer in before.layers}
    new = {layer.name: layer.sha256 for layer in after.layers}
    return Difference(
        base_sha256=base_sha256,
        base_anomaly_index=base_anomaly_index,
        base_indices=base_indices,
        is_architecture_changed=before.architecture_sha256 != after.architecture_sha256,
        changed_layers=tuple(name for name in new if name in old and new[name] != old[name]),
        added_layers=tuple(name for name in new if name not in old),
        removed_layers=tuple(name for name in old if name not in new),
    )
