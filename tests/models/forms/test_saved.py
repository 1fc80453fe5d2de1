"""What `tf.data.Dataset.save` wrote is read as TensorFlow reads it, and nothing in it is built or believed."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gate.models.datasets.dataset import Dataset

Open = Callable[..., Dataset]
Pixels = Callable[[Dataset], Any]
Refusal = Callable[..., str]
Save = Callable[..., Path]

GREY = np.arange(7 * 4 * 4, dtype=np.uint8).reshape(7, 4, 4, 1)
LABELS = np.arange(7) % 3


@pytest.fixture
def save(tf: Any, tmp_path: Path) -> Save:
    def write(elements: Any, *, batch: int = 0, **options: Any) -> Path:
        dataset = tf.data.Dataset.from_tensor_slices(elements)
        (dataset.batch(batch) if batch else dataset).save(str(tmp_path / "saved"), **options)
        return tmp_path / "saved"

    return write


def only(path: Path, pattern: str) -> Path:
    (found,) = path.glob(pattern)
    return found


@pytest.mark.parametrize("batch", [0, 1, 3])
@pytest.mark.parametrize(
    "elements",
    [
        (GREY, LABELS),
        (GREY, np.eye(3, dtype=np.float32)[LABELS]),
        (GREY, LABELS[:, np.newaxis].astype(np.int32)),
        (GREY[..., 0], LABELS),
        (GREY / np.float32(255), LABELS),
        (GREY, LABELS, np.ones(7, np.float32)),
        {"label": LABELS, "image": GREY, "about": np.arange(7)},
        ({"image": GREY}, LABELS),
    ],
    ids=["pair", "one-hot", "column", "grey", "floats", "weights", "names", "named input"],
)
def test_elements_of_every_form_are_images_and_labels(
    save: Save, opened: Open, pixels: Pixels, elements: Any, batch: int
) -> None:
    dataset = opened(save(elements, batch=batch))

    np.testing.assert_allclose(pixels(dataset), GREY / 255, atol=1e-6)
    assert list(LABELS) == list(dataset.labels if dataset.labels is not None else ())


@pytest.mark.parametrize("elements", [GREY, (GREY,), {"image": GREY}], ids=["bare", "alone", "named"])
def test_images_without_labels_have_none(save: Save, opened: Open, pixels: Pixels, elements: Any) -> None:
    dataset = opened(save(elements, batch=2))

    assert dataset.labels is None
    np.testing.assert_allclose(pixels(dataset), GREY / 255, atol=1e-6)


def test_encoded_pictures_are_decoded_and_resized(tf: Any, save: Save, opened: Open, pixels: Pixels) -> None:
    encoded = [tf.io.encode_png(np.full((9, 7, 3), level, np.uint8)).numpy() for level in (51, 102)]

    dataset = opened(save((encoded, [2, 0])), shape=(4, 5, 3))

    assert (2, 4, 5, 3) == pixels(dataset).shape
    np.testing.assert_allclose(pixels(dataset)[:, 0, 0, 0], [0.2, 0.4], atol=1e-6)


def test_any_positions_are_read_in_one_pass(save: Save, opened: Open) -> None:
    dataset = opened(save((GREY, LABELS), batch=3))

    for positions in ([0, 6], [2, 3], [5], []):
        chosen = np.array(positions, np.int64)
        found = [*dataset.images.stream(chosen)]
        np.testing.assert_allclose(np.concatenate([GREY[:0] / 255, *found]), GREY[chosen] / 255, atol=1e-6)


def test_shards_are_read_in_their_order_however_many_processors_there_are(
    tf: Any, opened: Open, pixels: Pixels, tmp_path: Path
) -> None:
    dataset = tf.data.Dataset.from_tensor_slices((GREY, LABELS))
    dataset.save(str(tmp_path / "saved"), shard_func=lambda image, label: label % 2)

    found = opened(tmp_path / "saved")

    order = np.argsort(LABELS % 2, kind="stable")
    np.testing.assert_allclose(pixels(found), GREY[order] / 255, atol=1e-6)


def test_the_last_of_two_savings_counts(save: Save, opened: Open) -> None:
    save((GREY, LABELS))

    assert 3 == len(opened(save((GREY[:3], LABELS[:3]))).images)


def test_gzip_is_unpacked(save: Save, opened: Open, pixels: Pixels) -> None:
    np.testing.assert_allclose(
        pixels(opened(save((GREY, LABELS), compression="GZIP"))), GREY / 255, atol=1e-6
    )


def test_another_compression_is_named_as_a_possible_cause(save: Save, refusal: Refusal) -> None:
    assert "expected a TFRecord, received something else, compressed" in refusal(
        save((GREY, LABELS), compression="SNAPPY")
    )


@pytest.mark.parametrize(
    ("elements", "message"),
    [
        ((np.zeros((2, 5, 4, 1), np.uint8), [0, 1]), "expected n x 4 x 4 x 1, received 1 x 5 x 4 x 1"),
        ((np.zeros((2, 4, 4, 3), np.uint8), [0, 1]), "expected n x 4 x 4 x 1, received 1 x 4 x 4 x 3"),
        ((np.zeros(2, np.uint8), [0, 1]), "expected n x 4 x 4 x 1, received one number"),
        ((GREY.astype(np.float32), LABELS), "expected pixels in 0..1, received 0..15"),
        ((np.full((2, 4, 4, 1), np.nan), [0, 1]), "element 0: some pixels are NaN or infinite"),
        ((GREY, LABELS + 1), "expected labels 0..2, received 1..3"),
        ((GREY, LABELS + 0.5), "expected 7 whole-number labels, received float64"),
        ((GREY, [b"cat"] * 7), "expected 7 whole-number labels, received |S3"),
        ((GREY, np.eye(4)[LABELS]), "expected 7 whole-number labels, received float64 of shape (7, 4)"),
        (([b"no picture"], [0]), "element 0: not a picture that can be read"),
        ((GREY > 3, LABELS), "expected numbers or encoded pictures, received a tensor of type 10"),
        ({"\x1b[2Jface": GREY, "label": LABELS}, r"expected elements with one image, received \x1b[2Jface, label"),
        (((GREY, GREY), LABELS), "expected elements with one image, received 0, 1, 1"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_with_what_was_expected(
    save: Save, refusal: Refusal, elements: Any, message: str
) -> None:
    assert message in refusal(save(elements))


@pytest.mark.parametrize("kind", ["ragged", "sparse", "variant", "optional"])
def test_what_tensorflow_would_bring_to_life_is_refused(
    tf: Any, refusal: Refusal, tmp_path: Path, kind: str
) -> None:
    elements = {
        "ragged": lambda: tf.data.Dataset.from_tensor_slices(tf.ragged.constant([[1], [1, 2]])),
        "sparse": lambda: tf.data.Dataset.from_tensor_slices(tf.sparse.eye(3)),
        "variant": lambda: tf.data.Dataset.from_tensors(tf.zeros((2, 4, 4, 1))),
        "optional": lambda: tf.data.Dataset.from_tensors(tf.zeros((2, 4, 4, 1))),
    }[kind]()
    elements.save(str(tmp_path / "saved"))
    if kind in ("variant", "optional"):
        from tensorflow.python.saved_model import nested_structure_coder

        spec = tf.TensorSpec((), tf.variant) if kind == "variant" else tf.OptionalSpec(tf.TensorSpec(()))
        encoded = nested_structure_coder.encode_structure(spec).SerializeToString()
        (tmp_path / "saved" / "dataset_spec.pb").write_bytes(encoded)

    assert "expected tensors of numbers or texts, received" in refusal(tmp_path / "saved")


def test_a_tensor_of_another_type_than_declared_is_refused(save: Save, refusal: Refusal) -> None:
    path = save((GREY, LABELS))
    spec = (path / "dataset_spec.pb").read_bytes()
    (path / "dataset_spec.pb").write_bytes(spec.replace(b"\x18\x04", b"\x18\x06"))

    assert "expected a tensor of type 6, received 4" in refusal(path)


@pytest.mark.parametrize("name", ["dataset_spec.pb", "snapshot.metadata"])
@pytest.mark.parametrize("content", [None, b"", b"\xff" * 50, b"\x12" + b"\xff" * 2_000_000], ids=range(4))
def test_broken_descriptions_are_named(
    save: Save, refusal: Refusal, name: str, content: bytes | None
) -> None:
    path = save((GREY, LABELS))
    (path / name).unlink()
    if content is not None:
        (path / name).write_bytes(content)

    refusal(path)


def test_a_run_elsewhere_is_not_followed(tf: Any, save: Save, refusal: Refusal, tmp_path: Path) -> None:
    from tensorflow.core.protobuf import snapshot_pb2

    path = save((GREY, LABELS))
    found = snapshot_pb2.SnapshotMetadataRecord.FromString((path / "snapshot.metadata").read_bytes())
    run = path / found.run_id
    run.rename(tmp_path / "elsewhere")
    run.symlink_to(tmp_path / "elsewhere")
    assert "expected folders, received a link" in refusal(path)

    found.run_id = "../elsewhere"
    (path / "snapshot.metadata").write_bytes(found.SerializeToString())
    assert "expected a data set that was saved to the end" in refusal(path)


def test_whatever_was_cut_off_is_missed(save: Save, refusal: Refusal) -> None:
    path = save((GREY, LABELS))
    file = only(path, "*/*/*.snapshot")
    whole = file.read_bytes()
    element = len(whole) // 7

    for size, message in (
        (len(whole) - 5, "ends in the middle"),
        (len(whole) - element, "expected 7 elements as declared, received 6"),
        (len(whole) - element + 50, "element 6: expected 2 tensors, received 1"),
        (5, "ends in the middle"),
        (0, "expected 7 elements as declared, received 0"),
    ):
        file.write_bytes(whole[:size])
        assert message in refusal(path)
    file.unlink()
    assert "expected 7 elements as declared, received 0" in refusal(path)


def test_no_bit_changes_unseen(save: Save, refusal: Refusal) -> None:
    path = save((GREY, LABELS))
    file = only(path, "*/*/*.snapshot")
    whole = file.read_bytes()

    for position in range(0, len(whole), 7):
        file.write_bytes(whole[:position] + bytes([whole[position] ^ 4]) + whole[position + 1 :])
        refusal(path)


def test_a_broken_archive_is_named(save: Save, refusal: Refusal) -> None:
    path = save((GREY, LABELS), compression="GZIP")
    file = only(path, "*/*/*.snapshot")
    packed = file.read_bytes()

    file.write_bytes(packed[:-20])
    assert "cannot be read" in refusal(path)
    file.write_bytes(packed[:30] + b"\xff\xff" + packed[32:])
    refusal(path)
    file.write_bytes(gzip.compress(b"\0" * 100_000))
    assert "expected a TFRecord" in refusal(path)


def test_a_digest_of_the_folder_knows_every_change(save: Save) -> None:
    from gate.cache.key import data_sha256

    path = save((GREY, LABELS))
    digests = {data_sha256(str(path))}
    for file in sorted(file for file in path.rglob("*") if file.is_file()):
        file.write_bytes(file.read_bytes() + b"\0")
        digests.add(data_sha256(str(path)))

    assert 4 == len(digests)
