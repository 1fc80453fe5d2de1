"""TFRecord files are read as people write them; whatever is damaged, hostile or does not fit is named by file and record."""

from __future__ import annotations

import shutil
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gate.core.job import Role
from gate.models.datasets.crc32c import masked
from gate.models.datasets.dataset import Dataset
from gate.models.datasets.records import LARGEST

Open = Callable[..., Dataset]
Pixels = Callable[[Dataset], Any]
Refusal = Callable[..., str]
Write = Callable[..., Path]

GREY = np.arange(6 * 4 * 4, dtype=np.uint8).reshape(6, 4, 4, 1)
LABELS = np.arange(6) % 3


@pytest.fixture
def write(tf: Any, tmp_path: Path) -> Write:
    """Write examples, each given by what it holds, into a file."""

    def feature(value: Any) -> Any:
        if isinstance(value, bytes):
            return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
        values = np.ravel(value)
        if values.dtype.kind == "f":
            return tf.train.Feature(float_list=tf.train.FloatList(value=values))
        return tf.train.Feature(int64_list=tf.train.Int64List(value=values))

    def write(examples: Sequence[dict[str, Any]], name: str = "a.tfrecord", compression: str = "") -> Path:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        with tf.io.TFRecordWriter(str(tmp_path / name), compression) as writer:
            for example in examples:
                features = {key: feature(value) for key, value in example.items()}
                message = tf.train.Example(features=tf.train.Features(feature=features))
                writer.write(message.SerializeToString())
        return tmp_path / name

    return write


def raw(images: Any = GREY, labels: Any = LABELS) -> list[dict[str, Any]]:
    return [{"image": image.tobytes(), "label": label} for image, label in zip(images, labels, strict=True)]


def png(tf: Any, image: Any) -> bytes:
    return bytes(tf.io.encode_png(image).numpy())


WAYS: dict[str, Callable[[Any, Any, int], dict[str, Any]]] = {
    "encoded": lambda tf, image, label: {"image/encoded": png(tf, image), "image/class/label": label},
    "catalogue": lambda tf, image, label: {"image": png(tf, image), "label": label},
    "bytes": lambda _, image, label: {"image_raw": image.tobytes(), "label": label},
    "sized bytes": lambda _, image, label: {
        "image_raw": image.tobytes(),
        "height": 4,
        "width": 4,
        "depth": 1,
        "label": label,
    },
    "whole numbers": lambda _, image, label: {"image": image, "label": label},
    "floats": lambda _, image, label: {"image": image / 255, "label": label},
    "serialized": lambda tf, image, label: {
        "image": bytes(tf.io.serialize_tensor(image).numpy()),
        "label": label,
    },
    "one-hot": lambda _, image, label: {"x": image.tobytes(), "y": np.eye(3)[label]},
    "named otherwise": lambda _, image, label: {"IMAGE": image.tobytes(), "Class": label, "about": b"this"},
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("compression", ["", "GZIP"])
def test_examples_of_every_kind_are_images_and_labels(
    tf: Any, write: Write, opened: Open, pixels: Pixels, way: str, compression: str
) -> None:
    examples = [WAYS[way](tf, image, label) for image, label in zip(GREY, LABELS, strict=True)]

    dataset = opened(write(examples, compression=compression))

    np.testing.assert_allclose(pixels(dataset), GREY / 255, atol=1e-6)
    assert list(LABELS) == list(dataset.labels if dataset.labels is not None else ())


def test_pictures_are_resized(tf: Any, write: Write, opened: Open, pixels: Pixels) -> None:
    picture = bytes(tf.io.encode_jpeg(np.full((9, 7, 3), 51, np.uint8)).numpy())

    dataset = opened(write([{"image": picture, "height": 9, "width": 7}]), shape=(4, 5, 3))

    assert ((1, 4, 5, 3), None) == (pixels(dataset).shape, dataset.labels)
    np.testing.assert_allclose(pixels(dataset), 0.2, atol=0.02)


def test_a_folder_is_read_in_the_order_of_its_files(write: Write, opened: Open, pixels: Pixels) -> None:
    write(raw(GREY[3:], LABELS[3:]), "set/a.tfrecord-00001-of-00002")
    folder = write(raw(GREY[:3], LABELS[:3]), "set/a.tfrecord-00000-of-00002").parent
    (folder / "dataset_info.json").write_text("{}")

    np.testing.assert_allclose(pixels(opened(folder)), GREY / 255, atol=1e-6)


@pytest.mark.parametrize(("role", "count"), [(Role.TRAIN, 6), (Role.CLEAN, 3)])
def test_the_split_that_fits_the_role_is_read(write: Write, opened: Open, role: Role, count: int) -> None:
    write(raw(), "set/mnist-train.tfrecord-00000-of-00001")
    folder = write(raw(GREY[:3], LABELS[:3]), "set/mnist-test.tfrecord-00000-of-00001").parent

    assert count == len(opened(folder, role).images)


def test_images_in_the_folders_of_classes_stay_that(tf: Any, write: Write, opened: Open) -> None:
    folder = write(raw(), "set/cached.tfrecord").parent
    for name in ("0", "1", "2"):
        (folder / name).mkdir()
        (folder / name / "a.png").write_bytes(png(tf, GREY[0]))

    assert 3 == len(opened(folder).images)


@pytest.mark.parametrize(
    ("example", "message"),
    [
        ({"label": 1, "\x1b[2J": 3}, r"record 0: expected a feature `image`, received \x1b[2j, label"),
        ({}, "expected a feature `image`, received nothing"),
        ({"image": b"x" * 17}, "expected 4 x 4 x 1 pixels of 8 bits, an encoded picture or a serialized tensor"),
        ({"image": np.arange(17)}, "received 17 numbers"),
        ({"image": np.arange(16) * 1000}, "record 0: expected pixels in 0..1, received 0..15000"),
        ({"image": np.full(16, np.nan)}, "some pixels are NaN or infinite"),
        ({"image": b"x" * 12, "height": 3}, "expected n x 4 x 4 x 1, received 1 x 3 x 4 x 1"),
        ({"image": b"x" * 48, "depth": 3}, "expected n x 4 x 4 x 1, received 1 x 4 x 4 x 3"),
        ({"image": b"x" * 16, "height": -4, "width": -4}, "expected -4 x -4 x 1 pixels of 8 bits"),
        ({"image": b"x" * 16, "height": 2**62, "width": 2**62}, "received 16 bytes"),
        ({"image": b"\x89PNG\r\n\x1a\nrubbish"}, "record 0: not a picture that can be read"),
        ({"image": b"x" * 16, "label": 3}, "expected labels 0..2, received 3..3"),
        ({"image": b"x" * 16, "label": b"cat"}, "expected 1 whole-number labels, received |S3"),
        ({"image": b"x" * 16, "label": [1, 2]}, "expected 1 whole-number labels, received int64 of shape (1, 2)"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_with_what_was_expected(
    write: Write, refusal: Refusal, example: dict[str, Any], message: str
) -> None:
    assert message in refusal(write([example]))


def test_a_label_is_there_for_all_or_for_none(write: Write, refusal: Refusal) -> None:
    examples = [{"image": b"x" * 16, "label": 1}, {"image": b"x" * 16}]

    assert "expected a label of the same type for every image" in refusal(write(examples))


def test_an_empty_file_is_refused(write: Write, refusal: Refusal) -> None:
    assert "no images in it" in refusal(write([]))


def record(content: bytes, length: int | None = None) -> bytes:
    """Return a record with sound check sums, whatever length it claims."""
    size = struct.pack("<Q", len(content) if length is None else length)
    return size + struct.pack("<I", masked(size)) + content + struct.pack("<I", masked(content))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"not a record at all", "expected a TFRecord, received something else"),
        (b"short", "ends in the middle"),
        (record(b"x")[:-1], "ends in the middle"),
        (record(b"x", LARGEST), "ends in the middle"),
        (record(b"x", LARGEST + 1), f"expected {LARGEST} bytes at most, received a record of {LARGEST + 1}"),
        (record(b"x", 2**64 - 1), "received a record of 18446744073709551615"),
        (record(b"\xff" * 40), "expected a tf.train.Example, received something else"),
        (record(b"")[:-4] + b"1234", "does not agree with its CRC"),
        (b"\x1f\x8b" + b"\xff" * 40, "cannot be read"),
    ],
)
def test_hostile_records_are_refused(tmp_path: Path, refusal: Refusal, content: bytes, message: str) -> None:
    (tmp_path / "a.tfrecord").write_bytes(content)

    assert message in refusal(tmp_path / "a.tfrecord")


@pytest.mark.parametrize("shape", [(2**40, 2**40), (-1,), (0, 2**62), (4, 4, 1, 2**30), (4, 4, 2)], ids=str)
@pytest.mark.parametrize("dtype", [4, 7, 20, 21])
def test_a_tensor_is_no_larger_than_what_it_holds(
    tf: Any, write: Write, refusal: Refusal, shape: tuple[int, ...], dtype: int
) -> None:
    from tensorflow.core.framework import tensor_pb2

    tensor = tensor_pb2.TensorProto(dtype=dtype, tensor_content=b"\1" * 17, int_val=[3])
    tensor.tensor_shape.dim.extend([tensor.tensor_shape.Dim(size=size) for size in shape])

    assert "a serialized tensor, received" in refusal(write([{"image": tensor.SerializeToString()}]))


def test_no_bit_changes_unseen(write: Write, refusal: Refusal) -> None:
    file = write(raw())
    whole = file.read_bytes()

    for position in range(0, len(whole), 11):
        file.write_bytes(whole[:position] + bytes([whole[position] ^ 4]) + whole[position + 1 :])
        refusal(file)


def test_a_file_may_begin_like_an_archive(tf: Any, write: Write, opened: Open) -> None:
    padding = 0x8B1F - 56
    for size in range(padding - 40, padding + 60):
        file = write([{"image": b"x" * 16, "about": b"y" * size}])
        if file.read_bytes().startswith(b"\x1f\x8b"):
            break
    else:
        pytest.fail("no such file was written")

    assert 1 == len(opened(file).images)


@pytest.mark.parametrize("size", [0, 1, 3, 4, 5, 1023, 1024, 1025, 1027, 1028, 70_000])
def test_check_sums_are_those_of_tensorflow(tf: Any, tmp_path: Path, size: int) -> None:
    content = np.random.default_rng(size).bytes(size)
    with tf.io.TFRecordWriter(str(tmp_path / "a")) as writer:
        writer.write(content)

    assert record(content) == (tmp_path / "a").read_bytes()


def test_a_digest_of_the_folder_knows_every_change(write: Write, tmp_path: Path) -> None:
    from gate.cache.key import data_sha256

    folder = write(raw(), "set/a.tfrecord").parent
    digests = {data_sha256(str(folder)), data_sha256(str(folder / "a.tfrecord"))}
    write(raw(GREY + 1), "set/a.tfrecord")
    digests |= {data_sha256(str(folder)), data_sha256(str(folder / "a.tfrecord"))}
    shutil.copy(folder / "a.tfrecord", folder / "b.tfrecord")
    digests.add(data_sha256(str(folder)))

    assert 5 == len(digests)
