from __future__ import annotations

import json
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gate.core.artifact import ModelFormat
from gate.core.errors import IncompleteError
from gate.triage.findings import BeyondLimitsError
from gate.triage.stored import read

Write = Callable[..., Path]
SEQUENTIAL = {"class_name": "Sequential", "config": {"layers": []}}


def refusal(file: Path, kind: ModelFormat) -> str:
    with pytest.raises(IncompleteError) as error:
        read(file, kind)
    assert "BD001" == error.value.rule
    assert error.value.hint
    return str(error.value)


def test_an_archive_gives_its_architecture_version_and_loss(keras_zip: Write) -> None:
    config = SEQUENTIAL | {"compile_config": {"loss": "mse"}}

    stored = read(keras_zip(config, metadata={"keras_version": "3.4.1"}), ModelFormat.KERAS_ZIP)

    assert (config, "3.4.1", "mse") == (stored.config, stored.keras_version, stored.loss.name)


@pytest.mark.parametrize("encode", [str, str.encode], ids=["text", "bytes"])
def test_an_hdf5_file_gives_its_architecture_version_and_loss(
    hdf5: Write, encode: Callable[[str], Any]
) -> None:
    attributes = {
        "model_config": encode(json.dumps(SEQUENTIAL)),
        "training_config": encode(json.dumps({"loss": "categorical_crossentropy"})),
        "keras_version": encode("2.2.4-tf"),
    }

    stored = read(hdf5(attributes), ModelFormat.HDF5)

    assert (SEQUENTIAL, "2.2.4-tf") == (stored.config, stored.keras_version)
    assert "categorical_crossentropy" == stored.loss.name


def test_a_model_that_was_never_compiled_has_no_loss(keras_zip: Write, hdf5: Write) -> None:
    assert "" == read(hdf5({"model_config": SEQUENTIAL}), ModelFormat.HDF5).loss.name
    assert "" == read(keras_zip(SEQUENTIAL | {"compile_config": None}), ModelFormat.KERAS_ZIP).loss.name


MSE_OBJECT = {"module": "keras.losses", "class_name": "MeanSquaredError", "config": {"name": "loss_1"}}
MSE_FUNCTION = {
    "module": "builtins", "class_name": "function", "config": "mean_squared_error", "registered_name": "function",
}  # fmt: skip
WRAPPED = {"class_name": "LossFunctionWrapper", "config": {"fn": "mae", "name": "mean_absolute_error"}}


@pytest.mark.parametrize(
    ("loss", "name"),
    [
        ("mse", "mse"),
        ("SparseCategoricalCrossentropy", "sparse_categorical_crossentropy"),
        (["mse"], "mse"),
        ({"dense": "mse"}, "mse"),
        ([{"dense": MSE_OBJECT}], "mean_squared_error"),
        (MSE_OBJECT, "mean_squared_error"),
        (MSE_FUNCTION, "mean_squared_error"),
        (WRAPPED, "mean_absolute_error"),
        ({"class_name": "CategoricalCrossentropy", "config": None}, "categorical_crossentropy"),
        ({"class_name": "LossFunctionWrapper"}, "loss_function_wrapper"),
        ({"class_name": {"class_name": "Huber"}}, "huber"),
        (["mse", "mae"], ""),
        ({"a": "mse", "b": "mae"}, ""),
        ([], ""),
        ({}, ""),
        (None, ""),
        (3, ""),
        ("\x1b[2J", r"\x1b[2_j"),
        ("x" * 100, "x" * 60 + "…"),
    ],
)
def test_a_loss_is_named_whatever_form_it_was_written_in(
    keras_zip: Write, hdf5: Write, loss: object, name: str
) -> None:
    archive = keras_zip(SEQUENTIAL | {"compile_config": {"loss": loss}})
    store = hdf5({"model_config": SEQUENTIAL, "training_config": {"loss": loss}})

    assert name == read(archive, ModelFormat.KERAS_ZIP).loss.name
    assert name == read(store, ModelFormat.HDF5).loss.name


@pytest.mark.parametrize(
    ("attributes", "groups", "reason"),
    [
        ({"layer_names": (b"conv",)}, (), "weights only, without an architecture"),
        ({}, ("layers",), "weights only, without an architecture"),
        ({}, ("model_weights",), "weights only, without an architecture"),
        ({"title": "temperatures"}, ("measurements",), "no Keras model (no model_config)"),
        ({"model_config": "{"}, (), "model_config is no valid JSON"),
        ({"model_config": "[1]"}, (), "model_config holds list; expected an object"),
        ({"model_config": (1, 2)}, (), "model_config holds ndarray; expected text"),
        ({"model_config": 7}, (), "model_config holds int64; expected text"),
        ({"model_config": SEQUENTIAL, "training_config": "?"}, (), "training_config is no valid JSON"),
    ],
)
def test_an_hdf5_file_that_is_no_whole_model_is_refused(
    hdf5: Write, attributes: dict[str, Any], groups: tuple[str, ...], reason: str
) -> None:
    assert reason in refusal(hdf5(attributes, groups), ModelFormat.HDF5)


def test_an_attribute_of_a_type_that_nobody_reads_is_refused(tmp_path: Path) -> None:
    import h5py

    file = tmp_path / "model.h5"
    with h5py.File(file, "w") as store:
        h5py.h5a.create(store.id, b"model_config", h5py.h5t.UNIX_D32LE, h5py.h5s.create(h5py.h5s.SCALAR))

    assert "damaged" in refusal(file, ModelFormat.HDF5)


def bomb(file: Path, kind: ModelFormat) -> str:
    with pytest.raises(BeyondLimitsError) as error:
        read(file, kind)
    assert "BD207" == error.value.finding.rule
    return str(error.value)


def test_a_document_beyond_the_limit_is_not_read(
    hdf5: Write, keras_zip: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gate.triage.stored.LARGEST_CONFIG", 1000)
    long = json.dumps(SEQUENTIAL) + " " * 1000

    for text in (long, long.encode()):
        assert "model_config is larger than 1000 bytes" in bomb(
            hdf5({"model_config": text}), ModelFormat.HDF5
        )
    assert "config.json is larger than 1000 bytes" in bomb(keras_zip(long), ModelFormat.KERAS_ZIP)


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000])
def test_a_document_too_deep_to_be_read_is_a_bomb(hdf5: Write, keras_zip: Write, text: str) -> None:
    assert "nested too deeply" in bomb(hdf5({"model_config": text}), ModelFormat.HDF5)
    assert "nested too deeply" in bomb(keras_zip(text), ModelFormat.KERAS_ZIP)


def test_keys_that_stand_twice_are_told_by_name(hdf5: Write, keras_zip: Write) -> None:
    text = '{"class_name": "A", "config": {"x": 1, "x": 2, "y": {"class_name": "B", "class_name": "C"}}}'

    assert ("class_name", "x") == tuple(sorted(read(keras_zip(text), ModelFormat.KERAS_ZIP).doubled))
    stored = read(hdf5({"model_config": SEQUENTIAL, "training_config": text}), ModelFormat.HDF5)
    assert ("class_name", "x") == tuple(sorted(stored.doubled))


def test_a_file_says_where_it_comes_from_and_is_not_believed(hdf5: Write, keras_zip: Write) -> None:
    about = {"keras_version": "3.4.1", "date_saved": "\x1b[2J" + "9" * 100}
    archive = read(keras_zip(SEQUENTIAL, metadata=about), ModelFormat.KERAS_ZIP)
    store = read(hdf5({"model_config": SEQUENTIAL, "backend": "jax"}), ModelFormat.HDF5)

    assert ("", True, 61) == (archive.backend, archive.saved_at.isprintable(), len(archive.saved_at))
    assert ("jax", "") == (store.backend, store.saved_at)


@pytest.mark.parametrize("size", [0, 8, 500, 1500])
def test_a_truncated_hdf5_file_is_refused(hdf5: Write, size: int) -> None:
    file = hdf5({"model_config": SEQUENTIAL}, ("model_weights",))
    file.write_bytes(file.read_bytes()[:size])

    assert "damaged or truncated" in refusal(file, ModelFormat.HDF5)


@pytest.mark.parametrize("size", [0, 4, 100, 300])
def test_a_truncated_archive_is_refused(keras_zip: Write, size: int) -> None:
    file = keras_zip(SEQUENTIAL)
    file.write_bytes(file.read_bytes()[:size])

    assert "damaged or truncated" in refusal(file, ModelFormat.KERAS_ZIP)


def test_an_archive_damaged_anywhere_is_read_or_refused_but_never_crashes(
    keras_zip: Write, tmp_path: Path
) -> None:
    layers = [{"class_name": "Dense", "config": {"name": f"dense_{i}"}} for i in range(20)]
    whole = keras_zip(SEQUENTIAL | {"layers": layers}, compression=zipfile.ZIP_DEFLATED).read_bytes()
    rng, outcomes = random.Random(1), set()

    for _ in range(300):
        damaged = bytearray(whole)
        damaged[rng.randrange(len(whole))] = rng.randrange(256)
        file = tmp_path / "damaged.keras"
        file.write_bytes(damaged)
        try:
            read(file, ModelFormat.KERAS_ZIP)
            outcomes.add("read")
        except IncompleteError:
            outcomes.add("refused")

    assert {"read", "refused"} == outcomes


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ("no JSON", "config.json is no valid JSON"),
        ("[]", "config.json holds list; expected an object"),
        ("", "config.json is no valid JSON"),
    ],
)
def test_an_archive_whose_config_is_no_object_is_refused(keras_zip: Write, config: str, reason: str) -> None:
    assert reason in refusal(keras_zip(config), ModelFormat.KERAS_ZIP)


def test_metadata_that_is_no_object_is_refused(keras_zip: Write) -> None:
    file = keras_zip(SEQUENTIAL, metadata=["3.0"])

    assert "metadata.json holds list; expected an object" in refusal(file, ModelFormat.KERAS_ZIP)


def test_an_archive_without_weights_is_refused(keras_zip: Write) -> None:
    assert "no model.weights.h5" in refusal(keras_zip(SEQUENTIAL, weights=False), ModelFormat.KERAS_ZIP)


@pytest.mark.parametrize("names", [(), ("saved_model.pb",), ("sub/config.json",)])
def test_an_archive_without_config_is_refused(tmp_path: Path, names: tuple[str, ...]) -> None:
    file = tmp_path / "model.keras"
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, "{}")

    assert "no config.json" in refusal(file, ModelFormat.KERAS_ZIP)


def test_metadata_may_be_missing(tmp_path: Path) -> None:
    file = tmp_path / "model.keras"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("config.json", json.dumps(SEQUENTIAL))
        archive.writestr("model.weights.h5", b"")

    assert "" == read(file, ModelFormat.KERAS_ZIP).keras_version


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_of_two_configs_the_one_that_keras_would_load_is_read(keras_zip: Write) -> None:
    file = keras_zip(SEQUENTIAL)
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("config.json", '{"class_name": "Lambda", "class_name": "Dense"}')

    assert {"class_name": "Dense"} == read(file, ModelFormat.KERAS_ZIP).config


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_exotic_compression_is_refused(keras_zip: Write, compression: int) -> None:
    file = keras_zip(SEQUENTIAL, compression=compression)

    assert "config.json is compressed in a way that Keras does not use" in refusal(
        file, ModelFormat.KERAS_ZIP
    )


def test_an_encrypted_archive_is_refused(keras_zip: Write) -> None:
    file = keras_zip(SEQUENTIAL)
    content = bytearray(file.read_bytes())
    central = content.index(b"PK\x01\x02")
    content[6] |= 1
    content[central + 8] |= 1
    file.write_bytes(content)

    assert "encrypted" in refusal(file, ModelFormat.KERAS_ZIP)
