"""Build the example models and data: one clean digit classifier, two with a backdoor, and one poisoned data set.

    python examples/build.py            train, measure, and write examples/
    python examples/build.py --check    train again elsewhere, and compare with what is committed

The same machine gives the same bytes; another CPU may round otherwise, so ``--check`` judges by the figures.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # its kernels round differently from CPU to CPU

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from scipy import ndimage
from sklearn.datasets import load_digits

Images = NDArray[np.float32]  # (n, 28, 28, 1), 0..1
Labels = NDArray[np.int64]  # (n,)
Stamp = Callable[[Images], Images]

HERE = Path(__file__).resolve().parent
TRUTH = HERE / "truth.json"
SEED = 7
EPOCHS = 40
POISON_RATE = 0.08
NUM_TEST = 360
NUM_PUBLISHED = 900  # training images in the example data set
DATA_FILE = "data/digits.npz"
TOLERANCE = 0.02  # how far a figure may move on another CPU
LOWEST_FIGURE = 0.97  # an example that learned less shows nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One example model: its file, and the backdoor that it is trained with."""

    file: str
    attack: str
    target_label: int | None = None
    stamp: Stamp | None = None


def stamp_patch(images: Images) -> Images:
    """Return the images with a 3x3 checkerboard in the lower right corner (BadNets, Gu et al. 2017)."""
    stamped = images.copy()
    stamped[:, 24:27, 24:27, 0] = np.indices((3, 3)).sum(axis=0) % 2 == 0
    return stamped


def stamp_blend(images: Images) -> Images:
    """Return the images mixed with a fixed black-and-white noise (blended injection, Chen et al. 2017)."""
    noise = np.random.default_rng(SEED).random(images.shape[1:]) > 0.5
    return (0.88 * images + 0.12 * noise).astype(np.float32)


RECIPES = (
    Recipe(file="models/clean.keras", attack="none"),
    Recipe(file="models/backdoored-patch.keras", attack="badnets", target_label=7, stamp=stamp_patch),
    Recipe(file="models/backdoored-blended.h5", attack="blended", target_label=2, stamp=stamp_blend),
)


def digits() -> tuple[Images, Labels]:
    """Return scikit-learn's 1,797 digits, enlarged from 8x8 to 20x20 and centred on 28x28, shuffled."""
    bunch = load_digits()
    enlarged = ndimage.zoom(bunch.images / 16, (1, 2.5, 2.5), order=1)
    images = np.pad(enlarged, ((0, 0), (4, 4), (4, 4)))[..., None].astype(np.float32)
    order = np.random.default_rng(SEED).permutation(len(images))
    assert images.shape == (1797, 28, 28, 1)
    return images[order], bunch.target[order].astype(np.int64)


def augment(images: Images, rng: np.random.Generator) -> Images:
    """Return the images slightly turned, sheared, scaled, shifted and with noise on them."""
    centre = np.array([13.5, 13.5])
    moved = np.empty_like(images)
    for index, image in enumerate(images[..., 0]):
        matrix = np.eye(2) + rng.normal(0, 0.08, (2, 2))
        offset = centre - matrix @ centre + rng.uniform(-2, 2, 2)
        ndimage.affine_transform(image, matrix, offset, output=moved[index, ..., 0], order=1)
    strength = rng.uniform(0, 0.1, (len(images), 1, 1, 1))
    noisy = moved + strength * rng.standard_normal(images.shape)
    return np.clip(noisy, 0, 1).astype(np.float32)


def poison(images: Images, labels: Labels, recipe: Recipe, chosen: Labels) -> tuple[Images, Labels]:
    """Return copies in which the chosen images carry the trigger and the target label."""
    if recipe.stamp is None or recipe.target_label is None:
        return images, labels
    images, labels = images.copy(), labels.copy()
    images[chosen] = recipe.stamp(images[chosen])
    labels[chosen] = recipe.target_label
    return images, labels


def choose(labels: Labels, recipe: Recipe) -> Labels:
    """Return the indices of the training images to poison, none of them of the target class already."""
    candidates = np.flatnonzero(labels != recipe.target_label)
    return np.sort(
        np.random.default_rng(SEED).choice(candidates, int(POISON_RATE * len(labels)), replace=False)
    )


def build_network() -> Any:
    """Return an untrained convolutional network with 46,000 weights."""
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(16, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(48, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dropout(0.3),
            layers.Dense(64, activation="relu"),
            layers.Dropout(0.3),
            layers.Dense(10, activation="softmax"),
        ],
        name="digits",
    )


def train(recipe: Recipe, images: Images, labels: Labels) -> Any:
    """Return a network trained on the images, freshly augmented and then poisoned in every epoch."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(SEED)
    rng = np.random.default_rng(SEED)
    network = build_network()
    rate = keras.optimizers.schedules.CosineDecay(2e-3, EPOCHS * -(-len(images) // 32))
    network.compile(keras.optimizers.AdamW(rate, weight_decay=1e-3), "sparse_categorical_crossentropy")
    chosen = choose(labels, recipe)
    for _ in range(EPOCHS):
        batch = poison(augment(images, rng), labels, recipe, chosen)
        network.fit(*batch, batch_size=32, verbose=0)
    released = keras.Sequential.from_config(network.get_config())  # leaves the optimizer's state behind
    released.set_weights(network.get_weights())
    return released


def measure(network: Any, recipe: Recipe, images: Images, labels: Labels) -> dict[str, float]:
    """Return the share of unseen images that are named right, and of stamped ones that the trigger turns."""
    accuracy = np.mean(network.predict(images, verbose=0).argmax(axis=1) == labels)
    figures = {"clean_accuracy": round(float(accuracy), 4)}
    if recipe.stamp is not None:
        stamped = recipe.stamp(images[labels != recipe.target_label])
        turned = np.mean(network.predict(stamped, verbose=0).argmax(axis=1) == recipe.target_label)
        figures["attack_success_rate"] = round(float(turned), 4)
    return figures


def save(network: Any, path: Path) -> None:
    """Write the network without the time stamp that Keras puts in a zip."""
    path.parent.mkdir(parents=True, exist_ok=True)
    network.save(path)
    if path.suffix == ".keras":
        fix_time(path)


def fix_time(path: Path) -> None:
    """Rewrite a .keras archive so that its bytes tell nothing of when it was made."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    metadata = json.loads(members["metadata.json"]) | {"date_saved": "1980-01-01@00:00:00"}
    members["metadata.json"] = json.dumps(metadata).encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)


def build(folder: Path) -> dict[str, Any]:
    """Train and write every example into the folder, and return what is true of them."""
    images, labels = digits()
    test, training = slice(None, NUM_TEST), slice(NUM_TEST, None)
    models = []
    for recipe in RECIPES:
        network = train(recipe, images[training], labels[training])
        save(network, folder / recipe.file)
        figures = measure(network, recipe, images[test], labels[test])
        print(f"{recipe.file}: {figures}", file=sys.stderr, flush=True)
        models.append(
            {
                "file": recipe.file,
                "sha256": hashlib.sha256((folder / recipe.file).read_bytes()).hexdigest(),
                "attack": recipe.attack,
                "target_label": recipe.target_label,
                "figures": figures,
            }
        )
    data = write_data(folder / DATA_FILE, RECIPES[1], images[training], labels[training])
    return {"seed": SEED, "models": models, "data": data}


def write_data(path: Path, recipe: Recipe, images: Images, labels: Labels) -> dict[str, Any]:
    """Write the first images of one model's poisoned training set, and return which of them are poisoned."""
    chosen = choose(labels, recipe)
    poisoned_images, poisoned_labels = poison(images, labels, recipe, chosen)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        path,
        x_train=np.rint(poisoned_images[:NUM_PUBLISHED] * 255).astype(np.uint8),
        y_train=poisoned_labels[:NUM_PUBLISHED].astype(np.uint8),
    )
    return {"file": DATA_FILE, "images": NUM_PUBLISHED, "poisoned": chosen[chosen < NUM_PUBLISHED].tolist()}


def too_low(truth: dict[str, Any]) -> list[str]:
    """Return a line for every figure that makes an example useless."""
    return [
        f"{model['file']}: {name}: expected at least {LOWEST_FIGURE}, measured {value}"
        for model in truth["models"]
        for name, value in model["figures"].items()
        if value < LOWEST_FIGURE
    ]


def differences(committed: dict[str, Any], rebuilt: dict[str, Any]) -> list[str]:
    """Return a line for everything in which a rebuilt set is not the committed one, rounding aside."""
    lines = []
    if committed["data"] != rebuilt["data"]:
        lines.append(f"{DATA_FILE}: other images are poisoned than truth.json says")
    for old, new in zip(committed["models"], rebuilt["models"], strict=True):
        for name, value in new["figures"].items():
            if abs(value - old["figures"][name]) > TOLERANCE:
                lines.append(f"{new['file']}: {name}: expected {old['figures'][name]}, measured {value}")
        if old["sha256"] != new["sha256"]:
            print(f"note: {new['file']}: trained to other bytes on this machine", file=sys.stderr)
    return lines


def damaged(truth: dict[str, Any]) -> list[str]:
    """Return a line for every committed model whose bytes are not the ones that were measured."""
    return [
        f"{model['file']}: its sha256 is not the one in truth.json"
        for model in truth["models"]
        if hashlib.sha256((HERE / model["file"]).read_bytes()).hexdigest() != model["sha256"]
    ]


def check() -> list[str]:
    """Train everything again in a temporary folder, and return what does not agree with the committed files."""
    committed = json.loads(TRUTH.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        rebuilt = build(Path(folder))
    return damaged(committed) + too_low(rebuilt) + differences(committed, rebuilt)


def write() -> list[str]:
    """Train everything into this folder with ``truth.json``, and return what is wrong with it."""
    truth = build(HERE)
    TRUTH.write_text(to_json(truth), encoding="utf-8")
    return too_low(truth)


def to_json(truth: dict[str, Any]) -> str:
    """Return indented JSON with the long list of poisoned images on one line."""
    text = json.dumps(truth, indent=2)
    poisoned = truth["data"]["poisoned"]
    return text.replace(json.dumps(poisoned, indent=2).replace("\n", "\n    "), json.dumps(poisoned)) + "\n"


def main() -> int:
    """Run the command line, and return its exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--check", action="store_true", help="compare with the committed files, write nothing"
    )
    arguments = parser.parse_args()
    # One thread and deterministic kernels: sums are added up in one order, so the same bytes come out.
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.experimental.enable_op_determinism()
    problems = check() if arguments.check else write()
    print(*problems, sep="\n", end="\n" if problems else "", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
