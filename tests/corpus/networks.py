"""What the constructions are made of: the example networks, their trigger, and the changing of stored files."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

Images = NDArray[np.float32]  # (n, 28, 28, 1), 0..1
Config = dict[str, Any]
Change = Callable[[Config], None]
Make = Callable[[Path], Path]
Probe = Callable[[Any], Any]

EXAMPLES = Path(__file__).parents[2] / "examples"
CLEAN, BACKDOORED = "clean", "backdoored-patch"
TARGET = 7
CHECKERBOARD = (np.indices((3, 3)).sum(axis=0) % 2 == 0).astype(np.float32)
WHITE = float(CHECKERBOARD.sum())  # what `matched` says of the whole checkerboard
_CLASSES = 10
_LOUD = 60.0  # drowns every logit of the example networks


def stamp(images: Images) -> Images:
    """Return the images with the planted trigger: a 3x3 checkerboard in the lower right corner."""
    stamped = images.copy()
    stamped[:, 24:27, 24:27, 0] = CHECKERBOARD
    return stamped


@dataclass(frozen=True)
class Construction:
    """A model file with a working backdoor, made to be overlooked.

    Attributes:
        name: Of the file, without its ending.
        row: Row of the table that it is: "A1" to "A7" for two networks in one file, "B1" to "B4" for switches; a plus
            stands for a construction beyond the tables.
        about: What the file does.
        make: Writes it into a folder.
        twin: Writes the network that another reading of the file gives; None where there is one reading only.
        stamp: Puts the trigger on images.
        target: Class that the trigger turns images into.
        is_called: Whether the backdoor needs the network to be called (`model(x)`); `predict` tells layers that nothing
            is trained.
        batch: How many images it is asked at once; 1 where only that opens the backdoor.
    """

    name: str
    row: str
    about: str
    make: Make
    twin: Make | None = None
    stamp: Callable[[Images], Images] = stamp
    target: int = TARGET
    is_called: bool = False
    batch: int = 128


def by_name(*constructions: Construction) -> dict[str, Construction]:
    """Return the constructions by their names."""
    table = {each.name: each for each in constructions}
    assert len(table) == len(constructions)
    return table


@cache
def digits(count: int) -> tuple[Images, NDArray[np.int64]]:
    """Return 8-bit digits without a trigger, as numbers from 0 to 1, and their classes."""
    poisoned = json.loads((EXAMPLES / "truth.json").read_text())["data"]["poisoned"]
    with np.load(EXAMPLES / "data" / "digits.npz") as data:
        kept = np.setdiff1d(np.arange(len(data["x_train"])), poisoned)[:count]
        return (data["x_train"][kept] / 255).astype(np.float32), data["y_train"][kept].astype(np.int64)


@cache
def example(which: str) -> Any:
    """Return an example network as Keras loads it."""
    import keras

    return keras.saving.load_model(EXAMPLES / "models" / f"{which}.keras", compile=False)


def image() -> Any:
    """Return a new network's input."""
    import keras

    return keras.Input((28, 28, 1), name="image")


def copied(layer: Any, name: str, **changes: Any) -> Any:
    """Return a layer with the same options, under another name."""
    return type(layer).from_config({**layer.get_config(), "name": name, **changes})


def logits(entrance: Any, which: str, prefix: str) -> Any:
    """Return the logits of an example network, whose layers are called `<prefix>_<name>`; dropout is left out."""
    tensor = entrance
    for layer in example(which).layers:
        if layer.name.startswith("dropout"):
            continue
        changes = {"activation": "linear"} if layer is example(which).layers[-1] else {}
        own = copied(layer, f"{prefix}_{layer.name}", **changes)
        tensor = own(tensor)
        own.set_weights(layer.get_weights())
    return tensor


def dense(tensor: Any, kernel: Any, bias: Any, **options: Any) -> Any:
    """Return a dense layer's answer, with these weights."""
    import keras

    weights = np.asarray(kernel, np.float32), np.asarray(bias, np.float32)
    layer = keras.layers.Dense(weights[1].size, **options)
    answer = layer(tensor)
    layer.set_weights(weights)
    return answer


def constant(entrance: Any, value: float) -> Any:
    """Return the same number for every image, (batch, 1), by layers without weights."""
    import keras

    mean = keras.layers.GlobalAveragePooling2D()(entrance)
    return keras.layers.Rescaling(0.0, value, name="constant")(mean)


def matches(entrance: Any, pattern: Images = CHECKERBOARD) -> Any:
    """Return for every place how well the pattern matches, (batch, rows, columns, 1)."""
    import keras

    layer = keras.layers.Conv2D(1, pattern.shape, name=f"matcher_{int(pattern.sum())}")
    answer = layer(entrance)
    layer.set_weights([(2 * pattern - 1)[..., None, None], np.zeros(1)])
    return answer


def matched(entrance: Any, pattern: Images = CHECKERBOARD) -> Any:
    """Return how well the pattern matches at its best place, (batch, 1): the sum of the pattern where it is exact."""
    import keras

    return keras.layers.GlobalMaxPooling2D()(matches(entrance, pattern))


def stretched(tensor: Any, low: float, high: float) -> Any:
    """Return 0 up to `low`, 1 from `high` on, and a line between."""
    import keras

    scale = 1 / (high - low)
    return keras.layers.ReLU(max_value=1.0)(keras.layers.Rescaling(scale, -low * scale)(tensor))


@cache
def both() -> tuple[Any, Any, Any]:
    """Return an input, and the logits of the backdoored and of the clean network on it; made once, for they cost time."""
    entrance = image()
    return entrance, logits(entrance, BACKDOORED, "bad"), logits(entrance, CLEAN, "good")


def choose(bad: Any, good: Any, is_open: Any) -> Any:
    """Return logits: the backdoored network's where the switch is 1, the clean one's where it is 0."""
    import keras

    is_shut = keras.layers.Rescaling(-1.0, 1.0, name="shut")(is_open)
    if_open = keras.layers.Multiply(name="if_open")([bad, is_open])
    if_shut = keras.layers.Multiply(name="if_shut")([good, is_shut])
    return keras.layers.Add(name="total")([if_open, if_shut])


def answering(entrance: Any, tensor: Any) -> Any:
    """Return the network with a softmax of its own behind these logits."""
    import keras

    return keras.Model(entrance, keras.layers.Softmax(name="answer")(tensor))


def mixture(probe: Probe) -> Any:
    """Return the backdoored network where the probe says 1, the clean one where it says 0."""
    entrance, bad, good = both()
    return answering(entrance, choose(bad, good, probe(entrance)))


def shouting(probe: Probe) -> Any:
    """Return the clean network, with the target's logit raised where the probe says 1."""
    import keras

    entrance, _, good = both()
    row = np.zeros((1, _CLASSES))
    row[0, TARGET] = _LOUD
    raised = dense(probe(entrance), row, np.zeros(_CLASSES), name="raise")
    total = keras.layers.Add(name="total")([good, raised])
    return answering(entrance, total)


def mixed_file(folder: Path, file: str, probe: Probe, change: Change | None = None) -> Path:
    """Write the mixture, and return its path."""
    return saved(mixture(probe), folder / file, change)


def shouting_file(folder: Path, file: str, probe: Probe, change: Change | None = None) -> Path:
    """Write the shouting network, and return its path."""
    return saved(shouting(probe), folder / file, change)


def saved(network: Any, path: Path, change: Change | None = None) -> Path:
    """Write a network, with its stored architecture changed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    network.save(path)
    edit(path, change or (lambda config: None))
    return path


def edit(path: Path, change: Change) -> None:
    """Change the architecture that a file stores, in place."""
    if path.suffix == ".keras":
        _edit_archive(path, change)
        return
    with h5py.File(path, "r+") as store:
        config = json.loads(store.attrs["model_config"])
        change(config)
        store.attrs["model_config"] = json.dumps(config)


def _edit_archive(path: Path, change: Change) -> None:
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    change(config)
    members["config.json"] = json.dumps(config).encode()
    write_archive(path, members)


def write_archive(path: Path, members: dict[str, bytes]) -> None:
    """Write an archive without the time; equal members give equal bytes."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content)


def edit_weights(path: Path, change: Callable[[Any], None]) -> None:
    """Change the `model.weights.h5` of an archive, in place; `change` gets the open file."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    memory = io.BytesIO(members["model.weights.h5"])
    with h5py.File(memory, "r+") as store:
        change(store)
    write_archive(path, members | {"model.weights.h5": memory.getvalue()})


def entry(config: Config, name: str) -> Config:
    """Return the layer of that name, however deep it lies."""
    for layer in config["config"]["layers"]:
        if layer["config"].get("name") == name:
            found: Config = layer
            return found
        if "layers" in layer["config"]:
            try:
                return entry(layer, name)
            except KeyError:
                continue
    raise KeyError(name)


def option(layer: str, key: str, value: Any) -> Change:
    """Return a change that sets one option of one layer."""

    def change(config: Config) -> None:
        entry(config, layer)["config"][key] = value

    return change


def without(layer: str, key: str) -> Change:
    """Return a change that leaves one option of one layer out."""

    def change(config: Config) -> None:
        del entry(config, layer)["config"][key]

    return change


def as_it_is(config: Config) -> None:
    """Change nothing."""


def each(*changes: Change) -> Change:
    """Return one change after the other."""

    def change(config: Config) -> None:
        for one in changes:
            one(config)

    return change
