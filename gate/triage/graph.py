"""Take the census of a TensorFlow graph: which operations a SavedModel or a frozen graph holds, and what they can do."""

from __future__ import annotations

import mmap
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from gate.core import incomplete_rules
from gate.core.errors import IncompleteError
from gate.core.finding import Finding
from gate.core.text import printable
from gate.triage.findings import BeyondLimitsError, each_once, finding
from gate.triage.operations import DANGEROUS, ORDINARY, SAVERS
from gate.triage.problems import unreadable
from gate.triage.protobuf import BYTES, fields
from gate.triage.static_rules import DANGEROUS_OPERATION

_MOST_NODES = 2_000_000
# Functions that TensorFlow makes to save and restore, and the nodes that it made for that in version 1.
_SAVER_FUNCTION = re.compile(r"(?:^|_)traced_(?:save|restore)(?:_\d+)?$")
_SAVER_NODE = re.compile(r"^save(?:_\d+)?/")
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Node:
    """An operation of a graph.

    Attributes:
        op: Its kind.
        name: As its author called it.
        function: Function of the graph's library that it stands in; "" for the graph itself.
    """

    op: str
    name: str
    function: str = ""


def check(file: Path) -> tuple[Finding, ...]:
    """Return one finding per operation of a `saved_model.pb` or a frozen graph that does more than compute.

    Raises:
        IncompleteError: There is none: a graph is never scanned for backdoors (BD003), or it is no graph (BD001).
        BeyondLimitsError: It holds too many nodes.
    """
    with file.open("rb") as stream:
        # Closed with its last reference: an exception on its way out still holds pieces of it.
        whole = memoryview(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ))
    counted, found = _census(_limited(_nodes(whole)))
    if not counted:
        raise unreadable("The file holds no TensorFlow graph.", "Save it with model.save('model.keras').")
    if not found:
        raise _unsupported(counted)
    return found


def _census(nodes: Iterable[Node]) -> tuple[Counter[str], tuple[Finding, ...]]:
    counted: Counter[str] = Counter()
    suspicious: dict[str, Node] = {}
    for node in nodes:
        counted[node.op] += 1
        if node.op in DANGEROUS or (node.op in SAVERS and not _is_saver(node)):
            suspicious.setdefault(node.op, node)
    return counted, each_once(_finding(node, counted[node.op]) for node in suspicious.values())


def _is_saver(node: Node) -> bool:
    return bool(_SAVER_FUNCTION.search(node.function) if node.function else _SAVER_NODE.match(node.name))


def _finding(node: Node, count: int) -> Finding:
    ability = DANGEROUS.get(node.op) or SAVERS[node.op]
    where = f" in the function {printable(repr(node.function), 80)}" if node.function else ""
    return finding(
        DANGEROUS_OPERATION,
        f"operation:{node.op}",
        f"The graph holds {count} operation(s) {node.op}, which {ability}; the first is called "
        f"{printable(repr(node.name), 80)}{where}. It was not loaded.",
        "Save the model in the Keras format where it is trusted: model.save('model.keras').",
    )


def _unsupported(counted: Counter[str]) -> IncompleteError:
    unknown = sorted(op for op in counted if op not in ORDINARY and op not in SAVERS)
    strange = ", ".join(printable(op, 40) for op in unknown[:_SHOWN]) + (", ..." if unknown[_SHOWN:] else "")
    words = f" Not among the ordinary ones: {strange}." if unknown else ""
    return IncompleteError(
        incomplete_rules.UNSUPPORTED.id,
        f"A TensorFlow graph cannot be scanned for backdoors. Its {counted.total()} operations hold none that is known "
        f"to touch files, network or Python.{words}",
        hint="Load it where it is trusted and save it with `model.save('model.keras')`.",
    )


def _limited(nodes: Iterator[Node]) -> Iterator[Node]:
    for count, node in enumerate(nodes):
        if count >= _MOST_NODES:
            raise BeyondLimitsError(
                "nodes:graph", f"The graph holds more than {_MOST_NODES} operations. It was not read further."
            )
        yield node


def _nodes(whole: memoryview) -> Iterator[Node]:
    """Yield the nodes of a SavedModel, or of a bare graph: the former begins with a number, its version."""
    first = next(fields(whole), None)
    if first is not None and first[0] == 1 and first[1] == BYTES:
        yield from _graph(whole)
        return
    for meta_graph in _children(whole, 2):
        for graph in _children(meta_graph, 2):
            yield from _graph(graph)


def _graph(graph: memoryview) -> Iterator[Node]:
    for node in _children(graph, 1):
        yield _node(node, "")
    for library in _children(graph, 2):
        for function in _children(library, 1):
            yield from _function(function)


def _function(function: memoryview) -> Iterator[Node]:
    signature = next(_children(function, 1), memoryview(b""))
    name = _text(signature, 1)
    for node in _children(function, 3):
        yield _node(node, name)


def _node(node: memoryview, function: str) -> Node:
    return Node(_text(node, 2), _text(node, 1), function)


def _children(message: memoryview, wanted: int) -> Iterator[memoryview]:
    return (content for number, kind, content in fields(message) if number == wanted and kind == BYTES)


def _text(message: memoryview, wanted: int) -> str:
    # Of a field that stands twice, the last one counts.
    values = [bytes(content) for content in _children(message, wanted)]
    return values[-1].decode("utf-8", "replace") if values else ""
