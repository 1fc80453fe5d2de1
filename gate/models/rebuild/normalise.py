"""Say in the words of Keras 3 what earlier versions wrote into a layer's config."""

from __future__ import annotations

from typing import Any

from gate.models.rebuild.problems import shown, unsupported
from gate.models.rebuild.values import is_scalar

_NEW_CLASSES = {
    "AtrousConvolution2D": "Conv2D",
    "AvgPool1D": "AveragePooling1D",
    "AvgPool2D": "AveragePooling2D",
    "AvgPool3D": "AveragePooling3D",
    "BatchNormalizationV1": "BatchNormalization",
    "BatchNormalizationV2": "BatchNormalization",
    "Convolution1D": "Conv1D",
    "Convolution2D": "Conv2D",
    "Convolution2DTranspose": "Conv2DTranspose",
    "Convolution3D": "Conv3D",
    "GlobalAvgPool1D": "GlobalAveragePooling1D",
    "GlobalAvgPool2D": "GlobalAveragePooling2D",
    "GlobalAvgPool3D": "GlobalAveragePooling3D",
    "GlobalMaxPool1D": "GlobalMaxPooling1D",
    "GlobalMaxPool2D": "GlobalMaxPooling2D",
    "GlobalMaxPool3D": "GlobalMaxPooling3D",
    "MaxPool1D": "MaxPooling1D",
    "MaxPool2D": "MaxPooling2D",
    "MaxPool3D": "MaxPooling3D",
    "SeparableConvolution1D": "SeparableConv1D",
    "SeparableConvolution2D": "SeparableConv2D",
    "ThresholdedReLU": "ReLU",
}
# Keras 1.
_NEW_NAMES = {
    "bias": "use_bias",
    "border_mode": "padding",
    "dim_ordering": "data_format",
    "inner_activation": "recurrent_activation",
    "nb_filter": "filters",
    "p": "rate",
    "subsample": "strides",
}
# How the input came about or the graph was run; the network's own input says the first, nothing depends on the second.
_WITHOUT_EFFECT = frozenset(
    {"batch_input_shape", "batch_shape", "input_shape", "input_dtype", "input_length", "inbound_nodes",
     "implementation", "time_major", "rng_type", "renorm_momentum", "synchronized", "flash_attention", "build_config",
     "query_shape", "key_shape", "value_shape", "softmax_robust_masking", "seed", "init"}
)  # fmt: skip
# Without effect on a finished network: how weights began, what training added to the loss.
TRAINING_ENDINGS = ("_initializer", "_regularizer", "_constraint")
# Without effect with these values only.
_HARMLESS: dict[str, tuple[Any, ...]] = {
    "groups": (1,),
    "depth_multiplier": (1,),
    "dilation_rate": (1, [1], [1, 1], [1, 1, 1]),
    "atrous_rate": (1, [1], [1, 1]),
    "autocast": (True,),
    "data_format": ("channels_last",),
    "mode": (0,),
    "fused": (True,),
    "pad_to_aspect_ratio": (False,),
}


def is_keras_3(written_by: str) -> bool:
    """Return whether a file says that Keras 3 or later wrote it; "" is what early versions say of themselves."""
    return written_by.partition(".")[0] not in ("", "1", "2")


def without_module(config: dict[str, Any], where: str) -> dict[str, Any]:
    """Return the options of an entry without a module as Keras reads them: as those of an HDF5 file, with a whole number for an axis.

    Args:
        config: Options as the file has them.
        where: The layer, for messages.

    Raises:
        IncompleteError: The entry has several axes, or null, which Keras forgets (BD003).
    """
    if "axis" not in config:
        return config
    axis = config["axis"]
    number = axis[0] if isinstance(axis, list) and len(axis) == 1 else axis
    if isinstance(number, (int, float)) and is_scalar(number):
        return {**config, "axis": int(number)}
    raise unsupported(
        f"{where} has axis = {shown(axis)}, which Keras 3 forgets when it reads an HDF5 file.",
        hint="Save the model again as .keras: model.save('model.keras').",
    )


def class_name(name: Any) -> str:
    """Return the class as Keras 3 calls it."""
    return _NEW_CLASSES.get(str(name), str(name))


def options(
    written: str, config: dict[str, Any], known: frozenset[str], where: str, *, of_keras_3: bool = True
) -> dict[str, Any]:
    """Return the layer's options by their names in Keras 3, without those that change nothing.

    Args:
        written: Class as the file calls it.
        config: Options as the file has them.
        known: Options that the layer takes in Keras 3.
        where: The layer, for messages.
        of_keras_3: Whether Keras 3 wrote the file; what it leaves out, Keras 3 fills in.

    Raises:
        IncompleteError: An option is left that the layer does not take (BD003).
    """
    renamed = _renamed(written, config, known)
    if "reset_after" in known and not of_keras_3:
        renamed.setdefault("reset_after", _reset_after(renamed, where))
    return {key: value for key, value in renamed.items() if not _is_dropped(key, value, known, where)}


def _renamed(written: str, config: dict[str, Any], known: frozenset[str]) -> dict[str, Any]:
    renamed = {_new_name(key, known): value for key, value in config.items()}
    if "alpha" in renamed and "negative_slope" in known:
        renamed["negative_slope"] = renamed.pop("alpha")
    if written == "ThresholdedReLU" and "theta" in renamed:
        renamed["threshold"] = renamed.pop("theta")
    if "nb_row" in renamed and "nb_col" in renamed:
        renamed["kernel_size"] = [renamed.pop("nb_row"), renamed.pop("nb_col")]
    if "filter_length" in renamed:
        renamed["kernel_size"] = renamed.pop("filter_length")
    if "units" in known and "units" not in renamed:
        renamed["units"] = renamed.pop("output_dim", None)
        renamed.pop("input_dim", None)
    if isinstance(renamed.get("data_format"), str):
        renamed["data_format"] = {"tf": "channels_last", "th": "channels_first"}.get(
            renamed["data_format"], renamed["data_format"]
        )
    axis = renamed.get("axis")
    # BatchNormalization of TensorFlow 1.13 and later writes its axis as a list.
    if isinstance(axis, list) and len(axis) == 1 and "momentum" in known:
        renamed["axis"] = axis[0]
    return renamed


def _reset_after(config: dict[str, Any], where: str) -> bool:
    """Return what the only kind of GRU did before there was a choice; Keras 3 believes the other, and sees it by the bias alone."""
    if "reset_after" not in config and config.get("use_bias") is False:
        raise unsupported(
            f"{where} does not say whether it resets after, and has no bias to tell by: earlier versions did not, Keras 3 does.",
            hint="Save the model again with the Keras that made it, which writes reset_after, or with Keras 3.",
        )
    return False


def _new_name(key: str, known: frozenset[str]) -> str:
    new = _NEW_NAMES.get(key, key)
    return new if new in known else key


def _is_dropped(key: str, value: Any, known: frozenset[str], where: str) -> bool:
    if key == "data_format" and value == "channels_first":
        raise unsupported(
            f"{where} has data_format = 'channels_first'; expected 'channels_last', as TensorFlow computes on a CPU.",
            hint="Save the model again with keras.config.set_image_data_format('channels_last').",
        )
    if key in known:
        return False
    if key == "autocast" and value is not True:
        raise unsupported(
            f"{where} has autocast = {shown(value)}; expected true, as layers without the option."
        )
    if value is None or value is False or key in _WITHOUT_EFFECT or key.endswith(TRAINING_ENDINGS):
        return True
    if any(value == harmless and type(value) is type(harmless) for harmless in _HARMLESS.get(key, ())):
        return True
    raise unsupported(
        f"{where} has the option {shown(key)} = {shown(value)}, which the gate does not know for this layer."
    )
