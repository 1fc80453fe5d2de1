"""Connect the layers of a functional network as the file says."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from gate.models.rebuild.nodes import Call, Reference, references
from gate.models.rebuild.problems import attempt, damaged, shown


@dataclass(frozen=True, slots=True)
class Part:
    """A layer or operation of a functional network.

    Attributes:
        where: What messages call it.
        run: Calls it with tensors; None for an input.
        calls: How the network calls it, in order.
        outputs: What an input gives; empty for everything else.
        is_network: Whether it is a network itself.
        counts_from_one: Whether references to it as an output of the network count its own graph as its first call.
    """

    where: str
    run: Callable[..., Any] | None
    calls: tuple[Call, ...]
    outputs: tuple[Any, ...] = ()
    is_network: bool = False
    counts_from_one: bool = False


def connect(parts: dict[str, Part], inputs: Any, outputs: Any, *, is_keras_3: bool) -> tuple[Any, Any]:
    """Call every part as often as the file says and return the network's input and output tensors.

    Args:
        parts: By the name that references use.
        inputs: References, as the network's config nests them.
        outputs: References, as the network's config nests them.
        is_keras_3: Whether calls are written as Keras 3 does, which counts them in another way.

    Raises:
        IncompleteError: A call fails (BD003), or waits for an output that never comes (BD001).
    """
    wanted = _inner(parts.values())
    made = {name: [part.outputs] if part.outputs else [] for name, part in parts.items()}
    first = {name: 0 if is_keras_3 else _first_call(name, part, wanted) for name, part in parts.items()}
    _call_all(parts, made, first)
    ends = [*references(inputs), *references(outputs)]
    first = {name: _first_at_ends(name, part, ends, first[name]) for name, part in parts.items()}
    return _resolved(inputs, made, first), _resolved(outputs, made, first)


def _inner(parts: Iterable[Part]) -> list[Reference]:
    return [reference for part in parts for call in part.calls for reference in call.references()]


def _first_call(name: str, part: Part, wanted: list[Reference]) -> int:
    """Return the number of a part's first call in the notation of Keras 1 and 2.

    Most versions count an inner network's own graph as its first call; some, and Keras 3 when it reads the notation, do not. Each
    call is made for its output, so the largest number tells.
    """
    calls = [reference.call for reference in wanted if reference.layer == name]
    if not part.is_network or not calls:
        return 0
    if max(calls) >= len(part.calls):
        return 1
    if min(calls) > 0:
        raise damaged(
            f"{part.where} is called {len(part.calls)} times, and its first or its last call is for nothing: versions of Keras "
            "differ in which one."
        )
    return 0


def _first_at_ends(name: str, part: Part, ends: list[Reference], first: int) -> int:
    """Return the number of a part's first call in a network's lists of inputs and outputs.

    There Keras 3 counts an inner network's own graph as its first call, too. Where there is one call, either number means it.
    """
    if part.is_network and len(part.calls) == 1:
        return min(max((reference.call for reference in ends if reference.layer == name), default=0), 1)
    return 1 if part.counts_from_one else first


def _call_all(parts: dict[str, Part], made: dict[str, list[Any]], first: dict[str, int]) -> None:
    """Call what has its inputs, again and again, until nothing is left."""
    waiting = {name: list(part.calls) for name, part in parts.items() if part.calls}
    while waiting:
        before = sum(map(len, waiting.values()))
        for name in list(waiting):
            calls = waiting[name]
            while calls and all(_exists(reference, made, first) for reference in calls[0].references()):
                made[name].append(_outputs(parts[name], calls.pop(0), made, first))
            if not calls:
                del waiting[name]
        if before == sum(map(len, waiting.values())):
            stuck = parts[next(iter(waiting))].where
            raise damaged(f"{stuck} waits for an input that no layer gives; the graph is broken or a circle.")


def _exists(reference: Reference, made: dict[str, list[Any]], first: dict[str, int]) -> bool:
    return 0 <= reference.call - first.get(reference.layer, 0) < len(made.get(reference.layer, ()))


def _outputs(part: Part, call: Call, made: dict[str, list[Any]], first: dict[str, int]) -> tuple[Any, ...]:
    assert part.run is not None
    arguments = _resolved(list(call.arguments), made, first)
    keywords = _resolved(call.keywords, made, first)
    return flat(attempt(part.where, part.run, *arguments, **keywords))


def _resolved(value: Any, made: dict[str, list[Any]], first: dict[str, int]) -> Any:
    if isinstance(value, Reference):
        if not _exists(value, made, first):
            raise damaged(
                f"The network has the output {shown(value.layer)}, call {value.call}; there is none such."
            )
        tensors = made[value.layer][value.call - first[value.layer]]
        if value.output >= len(tensors):
            raise damaged(f"The layer {shown(value.layer)} has no output {value.output}.")
        return tensors[value.output]
    if isinstance(value, list):
        return [_resolved(item, made, first) for item in value]
    if isinstance(value, dict):
        return {key: _resolved(item, made, first) for key, item in value.items()}
    return value


def flat(tensors: Any) -> tuple[Any, ...]:
    """Return the tensors of nested lists, tuples and dicts in Keras' order."""
    import keras

    return tuple(keras.tree.flatten(tensors))
