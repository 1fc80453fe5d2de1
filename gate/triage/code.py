"""Recognise code where a configuration should hold options: bytecode, pickles, operations that reach the machine."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from gate.core.finding import Finding
from gate.core.text import printable
from gate.triage.configuration import Spot
from gate.triage.findings import finding
from gate.triage.operations import DANGEROUS
from gate.triage.static_rules import EXECUTABLE_LAYER

_BASE64 = re.compile(r"[A-Za-z0-9+/=_\-\s]{24,}")
_HEAD = 64
# `marshal` begins a code object with its type, with or without the flag for a back reference.
_CODE_TYPES = (0xE3, 0x63)
_PICKLE = 0x80
_PICKLE_PROTOCOLS = range(2, 6)
# What follows the protocol: a frame, a global, a container, a reduction.
_PICKLE_OPENINGS = frozenset(b"\x95c}](\x8c")
# Layers of Keras 2 that call an operation by its name.
_CALLING_LAYERS = frozenset({"TFOpLambda", "TensorFlowOpLayer", "SlicingOpLambda", "ClassMethod"})
_CALLED_BY_NAME = re.compile(
    r"\b(?:io\.|raw_ops\.|py_func|numpy_func|py_function|load_library|load_op_library|print_v2|summary\.|distribute\.|data\.)",
    re.IGNORECASE,
)


def check(spot: Spot) -> Finding | None:
    """Return the code that stands in this spot; None if there is none."""
    if isinstance(spot.value, str):
        kind = serialized(spot.value)
        if kind:
            return _found(kind, f"code:{spot.key}", f"in the option {printable(repr(spot.key), 80)}")
        return None
    return _called(spot.value) if isinstance(spot.value, dict) else None


def serialized(text: str) -> str:
    """Return "Python bytecode" or "a pickle" if the text is one in base64 or as raw characters; "" if neither."""
    raw = _decoded(text[:_HEAD])
    if _is_bytecode(raw):
        return "Python bytecode"
    if len(raw) > 3 and raw[0] == _PICKLE and raw[1] in _PICKLE_PROTOCOLS and raw[2] in _PICKLE_OPENINGS:
        return "a pickle"
    return ""


def _decoded(head: str) -> bytes:
    if _BASE64.fullmatch(head) is None:
        # Keras 1 wrote bytecode as the characters of the same numbers.
        return head.encode("latin-1", "replace")
    packed = "".join(head.split()).rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(packed[: len(packed) // 4 * 4])
    except binascii.Error:
        return b""


def _is_bytecode(raw: bytes) -> bool:
    """Three small counts follow the type: a word in base64 does not look like that."""
    if len(raw) < 13 or raw[0] not in _CODE_TYPES:
        return False
    return all(int.from_bytes(raw[at : at + 4], "little") < 256 for at in (1, 5, 9))


def _called(node: dict[str, Any]) -> Finding | None:
    if str(node.get("class_name")) not in _CALLING_LAYERS or not isinstance(node.get("config"), dict):
        return None
    config = node["config"]
    # A node_def is text: {op: "WriteFile" ...}, as JSON or as protobuf's own notation.
    words = f"{config.get('function')} {config.get('symbol')} {config.get('node_def')}"
    op = next((op for op in sorted(DANGEROUS) if re.search(rf"\b{op}\b", words)), "")
    named = op or (_CALLED_BY_NAME.search(words) or [""])[0]
    return _found("an operation", f"operation:{named}", f"of the kind {named}") if named else None


def _found(what: str, subject: str, where: str) -> Finding:
    return finding(
        EXECUTABLE_LAYER,
        subject,
        f"The model holds {what} {where}, which would run with the rights of whoever loads it. It was not loaded.",
        "Replace it by built-in layers and save the model again.",
    )
