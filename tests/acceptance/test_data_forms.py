"""The same images give the same verdict in whatever form they come, in the locked-in process of a real scan."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.slow

Cli = Callable[..., Any]

NEEDS_DATA = ("activation-clustering", "spectral-signatures")
OTHERS = (
    "neural-cleanse",
    "universal-patch",
    "universal-perturbation",
    "class-permutation",
    "maximum-margin",
    "gated-patch",
)
FORMS = {"saved": "train", "batches": "train", "records": "train", "pictures.tfrecord": "train"}
UNLABELLED = {"bare": "clean", "bare.tfrecord": "clean"}
HOSTILE = {
    "cut-off": "the file ends in the middle of it. Copy or write the whole file again.",
    "variant": "expected tensors of numbers or texts, received tensor_spec_value in dataset_spec.pb. Save images",
    "huge.tfrecord": "268435456 bytes at most, received a record of 18446744073709551615. Store fewer images",
}


def write_records(tf: Any, file: Path, images: Any, labels: Any, *, encoded: bool) -> None:
    file.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(file)) as writer:
        for number, image in enumerate(images):
            content = tf.io.encode_png(image).numpy() if encoded else image.tobytes()
            features = {"image": tf.train.Feature(bytes_list=tf.train.BytesList(value=[content]))}
            if labels is not None:
                features["label"] = tf.train.Feature(int64_list=tf.train.Int64List(value=[labels[number]]))
            example = tf.train.Example(features=tf.train.Features(feature=features))
            writer.write(example.SerializeToString())


def write_sets(tf: Any, folder: Path, images: Any, labels: Any) -> None:
    half = len(images) // 2
    whole = tf.data.Dataset.from_tensor_slices((images, labels))
    whole.save(str(folder / "saved"))
    whole.batch(64).save(str(folder / "batches"), compression="GZIP")
    parts = (("0", images[:half], labels[:half]), ("1", images[half:], labels[half:]))
    for name, some, theirs in parts:
        write_records(tf, folder / f"records/a.tfrecord-{name}-of-2", some, theirs, encoded=False)
    write_records(tf, folder / "pictures.tfrecord", images, labels, encoded=True)
    tf.data.Dataset.from_tensor_slices(images).save(str(folder / "bare"))
    write_records(tf, folder / "bare.tfrecord", images, None, encoded=False)


def write_hostile_ones(tf: Any, folder: Path) -> None:
    from tensorflow.python.saved_model import nested_structure_coder

    shutil.copytree(folder / "saved", folder / "cut-off")
    (file,) = (folder / "cut-off").glob("*/*/*.snapshot")
    file.write_bytes(file.read_bytes()[:-9])
    shutil.copytree(folder / "saved", folder / "variant")
    spec = nested_structure_coder.encode_structure(
        (tf.TensorSpec((), tf.variant), tf.TensorSpec((), tf.int64))
    )
    (folder / "variant" / "dataset_spec.pb").write_bytes(spec.SerializeToString())
    # The check sum of the size is right.
    (folder / "huge.tfrecord").write_bytes(b"\xff" * 8 + bytes.fromhex("a67b113a") + b"x" * 99)


@pytest.fixture(scope="module")
def reports(
    cli: Cli, keras: Any, examples: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, Any]]:
    """Return the report of the same model with each data set, after one run over all of them."""
    import tensorflow as tf

    folder = tmp_path_factory.mktemp("data-forms")
    with np.load(examples / "data" / "digits.npz") as archive:
        images, labels = archive["x_train"].reshape(-1, 28, 28, 1), archive["y_train"].astype(np.int64)
    np.savez(folder / "reference.npz", x=images, y=labels)
    write_sets(tf, folder, images, labels)
    write_hostile_ones(tf, folder)
    roles = {"reference.npz": "train", **FORMS, **UNLABELLED, **dict.fromkeys(HOSTILE, "train")}
    for name in roles:
        shutil.copy(examples / "models" / "backdoored-patch.keras", folder / f"of-{name}.keras")
    policy = {
        "version": 1,
        "detectors": {**{name: {"enabled": False} for name in OTHERS}, **{name: {"enabled": True} for name in NEEDS_DATA}},
        "paths": [
            {"match": f"of-{name}.keras", "data": {"path": name, "role": role}} for name, role in roles.items()
        ],
    }  # fmt: skip
    (folder / "policy.yaml").write_text(json.dumps(policy))

    outcome = cli("check", ".", "--policy", "policy.yaml", "-q", "--output", "json=report.json", cwd=folder)

    assert 1 == outcome.code, outcome.err
    found = json.loads((folder / "report.json").read_text())["artifacts"]
    return {report["path"].removeprefix("of-").removesuffix(".keras"): report for report in found}


def measured(report: dict[str, Any], detector: str) -> Any:
    (found,) = (each for each in report["evidence"] if each["detector"] == detector)
    return found["status"], found["anomaly_index"], found["target_labels"], found["measurements"]


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("detector", NEEDS_DATA)
def test_the_form_changes_nothing(reports: dict[str, dict[str, Any]], name: str, detector: str) -> None:
    reference = measured(reports["reference.npz"], detector)

    assert ("measured", [7]) == (reference[0], reference[2])
    assert reference == measured(reports[name], detector)


@pytest.mark.parametrize("name", UNLABELLED)
def test_unlabelled_images_serve_where_labels_are_not_needed(
    reports: dict[str, dict[str, Any]], name: str
) -> None:
    assert reports[name]["model"]["images"].startswith("clean images of ")
    assert reports[name]["model"]["images"].endswith(f"/{name}")
    assert 900 == reports[name]["model"]["clean_images"]
    assert "skipped" == measured(reports[name], "activation-clustering")[0]
    assert not reports[name]["not_checked"]


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_damaged_or_hostile_leaves_the_scan_incomplete(
    reports: dict[str, dict[str, Any]], name: str
) -> None:
    (gap,) = reports[name]["not_checked"]

    assert "incomplete" == reports[name]["verdict"]
    assert name in gap
    assert HOSTILE[name] in gap
