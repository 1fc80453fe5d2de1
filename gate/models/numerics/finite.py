"""Answers have to be numbers.

Whatever is compared with NaN is not larger, so a network that answers NaN at the right moment would look harmless.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gate.core import incomplete_rules
from gate.core.errors import IncompleteError


def finite(values: NDArray[Any]) -> NDArray[Any]:
    """Return what the network made of pictures in its input range, if all of it is numbers.

    Args:
        values: Answers, or what a search along their gradients came to; any shape.

    Raises:
        IncompleteError: Some are NaN or infinite (rule BD004).
    """
    if np.isfinite(values).all():
        return values
    raise IncompleteError(
        incomplete_rules.SCAN_FAILED.id,
        "The network makes NaN or infinity of pictures within its input range; what cannot be compared cannot be cleared.",
        hint="State the range if it is another (--input-range LOW,HIGH); else find out which layer overflows, and who changed it.",
    )
