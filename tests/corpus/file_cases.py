"""Configurations beyond all limits, files that are no models, and what only the rebuild can tell."""

from __future__ import annotations

import io
import json

import numpy as np

from tests.corpus.parts import Case, dense, h5, honest, keras, layer, pickled, sequential

_OBJECT, _UNSUPPORTED, _DAMAGED, _AMBIGUOUS, _BOMB = "BD002", "BD003", "BD001", "BD205", "BD207"


def _nested(depth: int) -> dict[str, object]:
    network = sequential(layer("ReLU"))
    for _ in range(depth):
        network = sequential(network)
    return network


def _inline(kind: str) -> dict[str, object]:
    return {"class_name": "__numpy__", "config": {"value": [0], "dtype": kind}}


def _doubled_key() -> str:
    text = json.dumps(honest())
    return text.replace('"units": 3', '"units": 5, "units": 3')


def _weights_only() -> bytes:
    import h5py

    memory = io.BytesIO()
    with h5py.File(memory, "w") as store:
        store.attrs["layer_names"] = [b"dense"]
        store.create_group("dense")
    return memory.getvalue()


def _npz() -> bytes:
    memory = io.BytesIO()
    np.savez(memory, kernel=np.zeros(3))
    return memory.getvalue()


def _more_weights(store: object) -> None:
    store["layers/hidden/vars/0"] = np.zeros((4, 4), np.float32)  # type: ignore[index]


_POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 12345\n".encode()

LIMITS = {
    "limits/units.h5": Case(_BOMB, lambda m: h5(honest(head=dense(units=10**9)))),
    "limits/units.keras": Case(_BOMB, lambda m: keras(honest(head=dense(units=10**9)))),
    "limits/upsampling.h5": Case(_BOMB, lambda m: h5(honest(layer("UpSampling2D", size=[10**8, 10**8])))),
    "limits/repeat.keras": Case(_BOMB, lambda m: keras(honest(layer("RepeatVector", n=10**9)))),
    "limits/padding.keras": Case(_BOMB, lambda m: keras(honest(layer("ZeroPadding2D", padding=[[10**9, 0], [0, 0]])))),
    "limits/input.keras": Case(
        _BOMB, lambda m: keras(sequential(layer("InputLayer", batch_shape=[None, 10**6, 10**6, 3]), dense()))
    ),
    "limits/reshape.h5": Case(_BOMB, lambda m: h5(honest(layer("Reshape", target_shape=[2**20, 2**20])))),
    "limits/inline-array.keras": Case(_BOMB, lambda m: keras(honest(head=dense(axis=_inline("S2000000000"))))),
    "limits/inline-array.h5": Case(_BOMB, lambda m: h5(honest(head=dense(axis=_inline("U2000000000"))))),
    "limits/integer.keras": Case(_BOMB, lambda m: keras(honest(layer("ReLU", max_value=10**30)))),
    "limits/integer-of-5000-digits.keras": Case(
        _DAMAGED, lambda m: keras(json.dumps(honest()).replace('"units": 3', '"units": ' + "9" * 5000))
    ),
    "limits/depth.keras": Case(_BOMB, lambda m: keras('{"class_name":' + "[" * 100_000 + "]" * 100_000 + "}")),
    "limits/depth.h5": Case(_BOMB, lambda m: h5('{"class_name":' + "[" * 20_000 + "]" * 20_000 + "}")),
    "limits/networks-in-networks.h5": Case(_BOMB, lambda m: h5(_nested(200))),
    "limits/networks-in-networks.keras": Case(_BOMB, lambda m: keras(_nested(200))),
    "limits/values.keras": Case(_BOMB, lambda m: keras(honest(layer("ReLU", list=[0] * 600_000)))),
    "limits/key-twice.keras": Case(_AMBIGUOUS, lambda m: keras(_doubled_key())),
    "limits/key-twice.h5": Case(_AMBIGUOUS, lambda m: h5(_doubled_key())),
    "limits/key-twice-training.h5": Case(_AMBIGUOUS, lambda m: h5(training='{"loss": "mse", "loss": "mae"}')),
}  # fmt: skip

FILES = {
    "file/empty.h5": Case(_DAMAGED, lambda m: b""),
    "file/empty.keras": Case(_DAMAGED, lambda m: b""),
    "file/text.h5": Case(_DAMAGED, lambda m: b"This is no model.\n"),
    "file/pickle.h5": Case(_DAMAGED, lambda m: pickled(m).encode()),
    "file/numpy.keras": Case(_DAMAGED, lambda m: _npz()),
    "file/pointer.h5": Case(_OBJECT, lambda m: _POINTER),
    "file/hdf5.keras": Case(_DAMAGED, lambda m: h5()),
    "file/zip.h5": Case(_DAMAGED, lambda m: keras()),
    "file/truncated.h5": Case(_DAMAGED, lambda m: h5()[:4000]),
    "file/signature.h5": Case(_DAMAGED, lambda m: h5()[:8]),
    "file/signature.keras": Case(_DAMAGED, lambda m: keras()[:4]),
    "file/weights-only.h5": Case(_DAMAGED, lambda m: _weights_only()),
    "file/config-no-json.h5": Case(_DAMAGED, lambda m: h5("{'class_name': 'Sequential'}")),
}

# Nothing in these is wrong by itself; what they describe does not fit together, or is none of the gate's.
REBUILD = {
    "rebuild/units.h5": Case(_UNSUPPORTED, lambda m: h5(honest(head=dense(units=100_000))), True),
    "rebuild/weights-left-over.keras": Case(_DAMAGED, lambda m: keras(alter=_more_weights), True),
    "rebuild/other-shape.h5": Case(_DAMAGED, lambda m: h5(kernel=np.ones((64, 4), np.float32)), True),
    "rebuild/activation.keras": Case(
        _UNSUPPORTED, lambda m: keras(honest(head=dense(activation="evil"))), True
    ),
    "rebuild/option.h5": Case(_UNSUPPORTED, lambda m: h5(honest(head=dense(trapdoor=1))), True),
    "rebuild/regression.keras": Case(
        _UNSUPPORTED, lambda m: keras(honest(head=dense(units=1), compile_config={"loss": "mse"}),
                                      kernel=np.ones((64, 1), np.float32)), True
    ),
}  # fmt: skip

CASES = LIMITS | FILES | REBUILD
