"""The layers that the gate rebuilds, by literal name, and the options that each may bring."""

from __future__ import annotations

# Read from every layer, by the builder itself: they do not reach a layer's own options.
COMMON = frozenset({"name", "trainable", "dtype"})
# Options that hold layers themselves.
INNER_LAYERS = frozenset({"layer", "backward_layer", "cell", "cells"})
# Options that size a weight; they are held against the weights that the file stores.
SIZES = frozenset(
    {"units", "filters", "num_heads", "key_dim", "value_dim", "input_dim", "output_dim", "depth_multiplier", "kernel_size"}
)  # fmt: skip

_CONV = "filters kernel_size strides padding data_format dilation_rate activation use_bias kernel_initializer bias_initializer"
_DEPTHWISE = (
    "kernel_size strides padding depth_multiplier data_format dilation_rate activation use_bias "
    "depthwise_initializer bias_initializer"
)
_SEPARABLE = f"filters pointwise_initializer {_DEPTHWISE}"
_POOL = "pool_size strides padding data_format"
_GLOBAL_POOL = "data_format keepdims"
_ADAPTIVE_POOL = "output_size data_format"
_CELL = "units activation use_bias kernel_initializer recurrent_initializer bias_initializer dropout recurrent_dropout"
_LOOP = "return_sequences return_state go_backwards stateful unroll zero_output_for_mask"
_CONV_LOOP = (
    f"{_CONV} recurrent_activation recurrent_initializer unit_forget_bias dropout recurrent_dropout "
    "return_sequences return_state go_backwards stateful zero_output_for_mask"
)
_SCALED = "axis epsilon center scale beta_initializer gamma_initializer"
_SHIFT = "fill_mode interpolation fill_value data_format"

_TABLE = {
    "Activation": "activation",
    "ActivityRegularization": "l1 l2",
    "AdaptiveAveragePooling1D": _ADAPTIVE_POOL,
    "AdaptiveAveragePooling2D": _ADAPTIVE_POOL,
    "AdaptiveAveragePooling3D": _ADAPTIVE_POOL,
    "AdaptiveMaxPooling1D": _ADAPTIVE_POOL,
    "AdaptiveMaxPooling2D": _ADAPTIVE_POOL,
    "AdaptiveMaxPooling3D": _ADAPTIVE_POOL,
    "Add": "",
    "AdditiveAttention": "use_scale dropout",
    "AlphaDropout": "rate noise_shape",
    "Attention": "use_scale score_mode dropout",
    "Average": "",
    "AveragePooling1D": _POOL,
    "AveragePooling2D": _POOL,
    "AveragePooling3D": _POOL,
    "BatchNormalization": f"{_SCALED} momentum moving_mean_initializer moving_variance_initializer",
    "Bidirectional": "layer backward_layer merge_mode",
    "CenterCrop": "height width data_format",
    "Concatenate": "axis",
    "Conv1D": f"{_CONV} groups",
    "Conv1DTranspose": f"{_CONV} output_padding",
    "Conv2D": f"{_CONV} groups",
    "Conv2DTranspose": f"{_CONV} output_padding",
    "Conv3D": f"{_CONV} groups",
    "Conv3DTranspose": f"{_CONV} output_padding",
    "ConvLSTM1D": _CONV_LOOP,
    "ConvLSTM2D": _CONV_LOOP,
    "ConvLSTM3D": _CONV_LOOP,
    "Cropping1D": "cropping",
    "Cropping2D": "cropping data_format",
    "Cropping3D": "cropping data_format",
    "Dense": "units activation use_bias kernel_initializer bias_initializer",
    "DepthwiseConv1D": _DEPTHWISE,
    "DepthwiseConv2D": _DEPTHWISE,
    "Dot": "axes normalize",
    "Dropout": "rate noise_shape",
    "ELU": "alpha",
    "EinsumDense": "equation output_shape activation bias_axes kernel_initializer bias_initializer",
    "Embedding": "input_dim output_dim embeddings_initializer mask_zero",
    "Flatten": "data_format",
    "GRU": f"{_CELL} {_LOOP} recurrent_activation reset_after use_cudnn",
    "GRUCell": f"{_CELL} recurrent_activation reset_after",
    "GaussianDropout": "rate",
    "GaussianNoise": "stddev",
    "GlobalAveragePooling1D": _GLOBAL_POOL,
    "GlobalAveragePooling2D": _GLOBAL_POOL,
    "GlobalAveragePooling3D": _GLOBAL_POOL,
    "GlobalMaxPooling1D": _GLOBAL_POOL,
    "GlobalMaxPooling2D": _GLOBAL_POOL,
    "GlobalMaxPooling3D": _GLOBAL_POOL,
    "GroupNormalization": f"groups {_SCALED}",
    "Identity": "",
    "LSTM": f"{_CELL} {_LOOP} recurrent_activation unit_forget_bias use_cudnn",
    "LSTMCell": f"{_CELL} recurrent_activation unit_forget_bias",
    "LayerNormalization": _SCALED,
    "LayerScale": "init_values projection_dim",
    "LeakyReLU": "negative_slope",
    "Masking": "mask_value",
    "MaxPooling1D": _POOL,
    "MaxPooling2D": _POOL,
    "MaxPooling3D": _POOL,
    "Maximum": "",
    "Minimum": "",
    "MultiHeadAttention": "num_heads key_dim value_dim dropout use_bias output_shape attention_axes sliding_window "
    "use_gate kernel_initializer bias_initializer",
    "Multiply": "",
    "Normalization": "axis mean variance invert",
    "PReLU": "alpha_initializer shared_axes",
    "Permute": "dims",
    "RMSNormalization": "axis epsilon",
    "RNN": f"cell {_LOOP}",
    "RandomBrightness": "factor value_range",
    "RandomContrast": "factor value_range",
    "RandomCrop": "height width data_format",
    "RandomFlip": "mode data_format",
    "RandomRotation": f"factor {_SHIFT}",
    "RandomTranslation": f"height_factor width_factor {_SHIFT}",
    "RandomZoom": f"height_factor width_factor {_SHIFT}",
    "ReLU": "max_value negative_slope threshold",
    "RepeatVector": "n",
    "Rescaling": "scale offset",
    "Reshape": "target_shape",
    "Resizing": "height width interpolation crop_to_aspect_ratio pad_to_aspect_ratio fill_mode fill_value antialias "
    "data_format",
    "SeparableConv1D": _SEPARABLE,
    "SeparableConv2D": _SEPARABLE,
    "SimpleRNN": f"{_CELL} {_LOOP}",
    "SimpleRNNCell": _CELL,
    "Softmax": "axis",
    "SpatialDropout1D": "rate",
    "SpatialDropout2D": "rate data_format",
    "SpatialDropout3D": "rate data_format",
    "SpectralNormalization": "layer power_iterations",
    "StackedRNNCells": "cells",
    "StochasticDepth": "drop_path_rate",
    "Subtract": "",
    "TimeDistributed": "layer",
    "UnitNormalization": "axis",
    "UpSampling1D": "size",
    "UpSampling2D": "size data_format interpolation",
    "UpSampling3D": "size data_format",
    "ZeroPadding1D": "padding data_format",
    "ZeroPadding2D": "padding data_format",
    "ZeroPadding3D": "padding data_format",
}

OPTIONS = {layer: frozenset(options.split()) for layer, options in _TABLE.items()}
# Where Keras keeps layers of its own networks, beside keras.layers.
IN_CONV_NEXT = frozenset({"LayerScale", "StochasticDepth"})
NETWORKS = frozenset({"Functional", "Model", "Sequential"})
