"""SavedModels and frozen graphs, written field by field."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.parts import Case

_DANGEROUS, _UNSUPPORTED, _DAMAGED = "BD209", "BD003", "BD001"
_ORDINARY = (
    "Placeholder",
    "VarHandleOp",
    "ReadVariableOp",
    "MatMul",
    "BiasAdd",
    "Softmax",
    "Identity",
    "NoOp",
)


def _varint(value: int) -> bytes:
    low, rest = value & 0x7F, value >> 7
    return bytes([low | 0x80]) + _varint(rest) if rest else bytes([low])


def message(number: int, content: bytes | str) -> bytes:
    """A field that holds bytes, a text or a message."""
    raw = content.encode() if isinstance(content, str) else content
    return _varint(number << 3 | 2) + _varint(len(raw)) + raw


def node(op: str, name: str = "", value: str = "") -> bytes:
    """A NodeDef; `value` stands in an attribute, as a constant's does."""
    attribute = message(5, message(1, "value") + message(2, message(2, value))) if value else b""
    return message(1, name or op.lower()) + message(2, op) + attribute


def graph(*ops: str, functions: dict[str, tuple[str, ...]] | None = None, marker: str = "") -> bytes:
    """A GraphDef with these operations, and functions of its library."""
    nodes = b"".join(message(1, node(op)) for op in (*_ORDINARY, *ops))
    nodes += message(1, node("Const", "filename", marker)) if marker else b""
    library = b"".join(
        message(1, message(1, message(1, name)) + b"".join(message(3, node(op)) for op in inner))
        for name, inner in (functions or {}).items()
    )
    return nodes + (message(2, library) if library else b"")


def saved_model(content: bytes) -> bytes:
    """A SavedModel with one graph."""
    return b"\x08\x01" + message(2, message(1, message(4, "serve")) + message(2, content))


def _with(op: str) -> Case:
    return Case(_DANGEROUS, lambda m: saved_model(graph(op, marker=str(m))))


_SAVERS = {
    "__inference__traced_save_42": ("ShardedFilename", "SaveV2", "MergeV2Checkpoints"),
    "__inference__traced_restore_43": ("RestoreV2", "AssignVariableOp"),
}


def _in_function(marker: Path) -> bytes:
    return saved_model(graph(functions={"__inference_call_7": ("WriteFile",)}, marker=str(marker)))


CASES = {
    **{
        f"graph/{op.lower()}/saved_model.pb": _with(op)
        for op in ("WriteFile", "ReadFile", "MatchingFiles", "PyFunc", "EagerPyFunc", "PrintV2", "LoadLibrary",
                   "TextLineDataset", "SaveDatasetV2", "RemoteCall", "SaveV2", "RestoreV2", "MergeV2Checkpoints")
    },
    "graph/write-in-function/saved_model.pb": Case(_DANGEROUS, _in_function),
    "graph/save-in-function/saved_model.pb": Case(
        _DANGEROUS, lambda m: saved_model(graph(functions={"__inference_call_7": ("SaveV2",)}))
    ),
    "graph/ordinary/saved_model.pb": Case(
        _UNSUPPORTED, lambda m: saved_model(graph(functions=_SAVERS))
    ),
    "graph/unknown-operation/saved_model.pb": Case(_UNSUPPORTED, lambda m: saved_model(graph("MyCustomOp"))),
    "graph/text/saved_model.pbtxt": Case(_UNSUPPORTED, lambda m: b"meta_graphs {\n}\n"),
    "graph/truncated/saved_model.pb": Case(_DAMAGED, lambda m: saved_model(graph())[:-9]),
    "graph/no-graph/saved_model.pb": Case(_DAMAGED, lambda m: b"\x08\x01"),
    "graph/no-protobuf/saved_model.pb": Case(_DAMAGED, lambda m: b"\xff" * 64),
    "graph/frozen.pb": Case(_DANGEROUS, lambda m: graph("WriteFile", marker=str(m))),
    "graph/frozen-ordinary.pb": Case(_UNSUPPORTED, lambda m: graph()),
}  # fmt: skip
