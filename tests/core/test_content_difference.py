from __future__ import annotations

from gate.core.content import BaseIndex, Content, Difference, LayerDigest, compare


def network(architecture: str = "a", **layers: str) -> Content:
    digests = (LayerDigest(name=name, sha256=sha256, weights=1) for name, sha256 in layers.items())
    return Content(sha256="", architecture_sha256=architecture, layers=tuple(digests))


def test_layers_are_compared_by_name() -> None:
    before, after = network("a", conv="1", norm="1", old="1"), network("b", conv="2", norm="1", new="1")

    assert Difference(
        base_sha256="ab",
        is_architecture_changed=True,
        changed_layers=("conv",),
        added_layers=("new",),
        removed_layers=("old",),
    ) == compare(before, after, base_sha256="ab")


def test_a_difference_is_told_in_a_sentence() -> None:
    changed = {f"conv{i}": "2" for i in range(7)}
    before, after = network(**dict.fromkeys(changed, "1")), network("b", **changed)

    assert "changed weights in conv0, conv1, conv2, conv3, conv4, ... (7); the architecture differs" == str(
        compare(before, after, base_sha256="")
    )
    assert "the same network, saved anew" == str(compare(after, after, base_sha256=""))


def test_an_index_of_the_base_is_found_by_its_detector() -> None:
    indices = (BaseIndex(detector="a", anomaly_index=0.5), BaseIndex(detector="b", anomaly_index=1.5))
    difference = compare(network(), network(), base_sha256="", base_indices=indices)

    assert (0.5, None) == (difference.base_index("a"), difference.base_index("c"))
