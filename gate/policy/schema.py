"""The JSON Schema of a policy file, with the detectors that are known filled in."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

Known = Mapping[str, Mapping[str, type]]
Schema = dict[str, Any]  # JSON has no narrower type.

_JSON_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string"}


def schema(known: Known) -> Schema:
    """Return the schema (JSON Schema 2020-12); nothing is allowed that it does not name.

    Args:
        known: Detector id -> parameter name -> its type: bool, int, float or str.
    """
    filled: Schema = json.loads(Path(__file__).with_name("schema.json").read_text("utf-8"))
    detectors = filled["$defs"]["detectors"]
    # The file alone serves editors; here, a detector or parameter that nobody knows is a mistake.
    detectors["additionalProperties"] = False
    detectors["properties"] = {
        detector: _detector(filled["$defs"]["detector"], detector, parameters)
        for detector, parameters in sorted(known.items())
    }
    del filled["$defs"]["detector"]
    return filled


def _detector(template: Schema, detector: str, parameters: Mapping[str, type]) -> Schema:
    filled = copy.deepcopy(template)
    filled["description"] = f"Settings of {detector}."
    own = filled["properties"]["parameters"]
    own["additionalProperties"] = False
    own["properties"] = {
        name: {"type": _JSON_TYPES[kind], "description": f"The parameter `{name}` of {detector}."}
        for name, kind in sorted(parameters.items())
    }
    return filled
