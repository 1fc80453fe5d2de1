"""Files that bring code, foreign classes or functions along."""

from __future__ import annotations

from tests.corpus.parts import (
    Case,
    code,
    dense,
    dunder,
    function,
    h5,
    honest,
    image,
    keras,
    lambda_layer,
    layer,
    pickled,
    raw_code,
    sequential,
)

_CODE, _CUSTOM, _OUTSIDE = "BD201", "BD202", "BD203"


def _wrapped(name: str, **inner: object) -> dict[str, object]:
    return honest(layer(name, **inner))


CODE = {
    "code/lambda-top.h5": Case(_CODE, lambda m: h5(honest(lambda_layer(m)))),
    "code/lambda-top.keras": Case(_CODE, lambda m: keras(honest(lambda_layer(m)))),
    "code/lambda-nested.h5": Case(_CODE, lambda m: h5(honest(sequential(sequential(lambda_layer(m)))))),
    "code/lambda-nested.keras": Case(_CODE, lambda m: keras(honest(sequential(sequential(lambda_layer(m)))))),
    "code/lambda-time-distributed.h5": Case(
        _CODE, lambda m: h5(_wrapped("TimeDistributed", layer=lambda_layer(m)))
    ),
    "code/lambda-time-distributed.keras": Case(
        _CODE, lambda m: keras(_wrapped("TimeDistributed", layer=lambda_layer(m)))
    ),
    "code/lambda-bidirectional.keras": Case(
        _CODE, lambda m: keras(_wrapped("Bidirectional", layer=layer("LSTM"), backward_layer=lambda_layer(m)))
    ),
    "code/lambda-cell.h5": Case(_CODE, lambda m: h5(_wrapped("RNN", cell=lambda_layer(m)))),
    "code/lambda-keras-2.h5": Case(
        _CODE,
        lambda m: h5(
            honest(layer("Lambda", None, function_type="lambda", function=[code(m), None, None])),
            keras_version="2.15.0",
        ),
    ),
    "code/lambda-keras-1-list.h5": Case(
        _CODE,
        lambda m: h5(
            {"class_name": "Sequential", "config": [image(), layer("Lambda", None, function=[raw_code(m)])]},
            keras_version="1.2.2",
        ),
    ),
    "code/lambda-of-keras-function.keras": Case(
        _CODE, lambda m: keras(honest(layer("Lambda", function=function("keras.ops", "relu"))))
    ),
    "code/lambda-changes-settings.keras": Case(
        _CODE,
        lambda m: keras(
            honest(
                layer("Lambda", function=function("keras.config", "set_floatx"), arguments={"value": "float16"})
            )
        ),
    ),
    "code/lambda-in-initializer.h5": Case(
        _CODE, lambda m: h5(honest(head=dense(kernel_initializer=lambda_layer(m))))
    ),
    "code/lambda-in-call.keras": Case(
        _CODE, lambda m: keras(honest(layer("Add") | {"inbound_nodes": [{"args": [lambda_layer(m)]}]}))
    ),
    "code/function-in-activation.keras": Case(_CODE, lambda m: keras(honest(head=dense(activation=dunder(m))))),
    "code/function-in-activation.h5": Case(_CODE, lambda m: h5(honest(head=dense(activation=dunder(m))))),
    "code/function-in-initializer.keras": Case(
        _CODE, lambda m: keras(honest(head=dense(bias_initializer=dunder(m))))
    ),
    "code/function-in-regularizer.h5": Case(
        _CODE, lambda m: h5(honest(head=dense(kernel_regularizer=dunder(m))))
    ),
    "code/function-in-constraint.keras": Case(
        _CODE, lambda m: keras(honest(head=dense(kernel_constraint=dunder(m))))
    ),
    "code/function-in-build-config.keras": Case(
        _CODE, lambda m: keras(honest(head=dense() | {"build_config": dunder(m)}))
    ),
    "code/function-in-loss.keras": Case(_CODE, lambda m: keras(honest(compile_config={"loss": dunder(m)}))),
    "code/function-in-loss.h5": Case(_CODE, lambda m: h5(training={"loss": dunder(m)})),
    "code/function-in-metric.h5": Case(_CODE, lambda m: h5(training={"loss": "mse", "metrics": [dunder(m)]})),
    "code/function-in-optimizer.keras": Case(
        _CODE,
        lambda m: keras(
            honest(compile_config={"optimizer": {"class_name": "Adam", "config": {"learning_rate": dunder(m)}}})
        ),
    ),
    "code/function-in-inner-compile.keras": Case(
        _CODE, lambda m: keras(honest(sequential(layer("ReLU"), compile_config={"loss": dunder(m)})))
    ),
    "code/bytecode-in-option.h5": Case(_CODE, lambda m: h5(honest(head=dense(activation=code(m))))),
    "code/bytecode-in-option.keras": Case(_CODE, lambda m: keras(honest(head=dense(activation=code(m))))),
    "code/bytecode-in-name.keras": Case(_CODE, lambda m: keras(honest(layer("ReLU", name=code(m))))),
    "code/bytecode-in-loss.h5": Case(_CODE, lambda m: h5(training={"loss": [code(m), None, None]})),
    "code/bytecode-raw.h5": Case(_CODE, lambda m: h5(honest(head=dense(activation=raw_code(m))))),
    "code/pickle-in-option.keras": Case(_CODE, lambda m: keras(honest(head=dense(activation=pickled(m))))),
    "code/pickle-in-metric.h5": Case(_CODE, lambda m: h5(training={"metrics": [pickled(m)]})),
    "code/tfsm.keras": Case(_CODE, lambda m: keras(honest(layer("TFSMLayer", filepath=str(m.parent))))),
    "code/tfsm.h5": Case(_CODE, lambda m: h5(honest(layer("TFSMLayer", None, filepath=str(m.parent))))),
    "code/torch-module.keras": Case(_CODE, lambda m: keras(honest(layer("TorchModuleWrapper", module=pickled(m))))),
    "code/jax.keras": Case(_CODE, lambda m: keras(honest(layer("JaxLayer", call_fn=dunder(m))))),
    "code/flax.keras": Case(_CODE, lambda m: keras(honest(layer("FlaxLayer", module=dunder(m))))),
    "code/operation-write-file.h5": Case(
        _CODE, lambda m: h5(honest(layer("TFOpLambda", None, function="io.write_file")))
    ),
    "code/operation-python.h5": Case(
        _CODE, lambda m: h5(honest(layer("TFOpLambda", None, function="py_function")))
    ),
    "code/operation-read-file.h5": Case(
        _CODE, lambda m: h5(honest(layer("TensorFlowOpLayer", None, node_def='{"op": "ReadFile", "name": "r"}')))
    ),
}  # fmt: skip

CUSTOM = {
    "custom/keras-hub.keras": Case(
        _CUSTOM, lambda m: keras(honest(layer("Evil", "keras_hub.evil")))
    ),
    "custom/keras-hub-head.keras": Case(
        _CUSTOM, lambda m: keras(honest(head=dense() | {"module": "keras_hub.layers"}))
    ),
    "custom/module-of-the-checkout.keras": Case(_CUSTOM, lambda m: keras(honest(layer("Evil", "evil")))),
    "custom/os-system.keras": Case(
        _CUSTOM, lambda m: keras(honest(head=dense(kernel_initializer=function("os", "system"))))
    ),
    "custom/builtins-submodule.keras": Case(_CUSTOM, lambda m: keras(honest(layer("exec", "builtins.os")))),
    "custom/registered-layer.keras": Case(
        _CUSTOM, lambda m: keras(honest(layer("Gate", None) | {"registered_name": "mine>Gate"}))
    ),
    "custom/registered-class-name.h5": Case(_CUSTOM, lambda m: h5(honest(layer("Addons>GELU", None)))),
    "custom/unknown-layer.h5": Case(_CUSTOM, lambda m: h5(honest(layer("EvilLayer", None)))),
    "custom/unknown-layer.keras": Case(_CUSTOM, lambda m: keras(honest(layer("EvilLayer")))),
    "custom/unknown-cell.h5": Case(_CUSTOM, lambda m: h5(_wrapped("RNN", cell=layer("EvilCell", None)))),
    "custom/deserialize.h5": Case(_CUSTOM, lambda m: h5(honest(layer("deserialize", None)))),
    "custom/get-file.keras": Case(
        _CUSTOM, lambda m: keras(honest(head=dense(kernel_initializer=function("keras.utils", "get_file"))))
    ),
    "custom/get-file-class.keras": Case(
        _CUSTOM,
        lambda m: keras(
            honest(head=dense(bias_initializer={"module": "keras.utils", "class_name": "get_file", "config": {}}))
        ),
    ),
    "custom/unsafe-deserialization.keras": Case(
        _CUSTOM,
        lambda m: keras(
            honest(head=dense(activation=function("keras.config", "enable_unsafe_deserialization")))
        ),
    ),
    "custom/set-floatx.keras": Case(
        _CUSTOM, lambda m: keras(honest(head=dense(activation=function("keras.config", "set_floatx"))))
    ),
    "custom/load-data.keras": Case(
        _CUSTOM, lambda m: keras(honest(head=dense(activation=function("keras.datasets.mnist", "load_data"))))
    ),
    "custom/internal-tools.keras": Case(
        _CUSTOM, lambda m: keras(honest(head=dense(activation=function("keras.src.utils.file_utils", "get_file"))))
    ),
    "custom/os-system-loss.keras": Case(
        _CUSTOM, lambda m: keras(honest(compile_config={"loss": function("os", "system")}))
    ),
    "custom/exec-metric.h5": Case(
        _CUSTOM, lambda m: h5(training={"metrics": [function("builtins", "exec")]})
    ),
    "custom/pickle-loads-loss.h5": Case(_CUSTOM, lambda m: h5(training={"loss": function("pickle", "loads")})),
}  # fmt: skip

OUTSIDE = {
    "outside/vocabulary-path.keras": Case(
        _OUTSIDE, lambda m: keras(honest(layer("StringLookup", vocabulary="/etc/passwd")))
    ),
    "outside/vocabulary-path.h5": Case(
        _OUTSIDE, lambda m: h5(honest(layer("TextVectorization", None, vocabulary="words.txt")))
    ),
    "outside/vocabulary-integers.keras": Case(
        _OUTSIDE, lambda m: keras(honest(layer("IntegerLookup", vocabulary="../../secrets")))
    ),
    "outside/vocabulary-address.keras": Case(
        _OUTSIDE, lambda m: keras(honest(layer("StringLookup", vocabulary="https://example.org/v.txt")))
    ),
    "outside/weights-address.h5": Case(
        _OUTSIDE, lambda m: h5(honest(head=dense(kernel_initializer="gs://bucket/kernel")))
    ),
}

CASES = CODE | CUSTOM | OUTSIDE
