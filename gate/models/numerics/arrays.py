"""Names for arrays, one meaning each."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# What statistics are computed in.
Floats = NDArray[np.float64]
# What networks compute in.
Singles = NDArray[np.float32]
# Pictures, shape ``(n, h, w, c)`` or ``(h, w, c)``.
Images = NDArray[np.float32]
# Classes, one for each picture or search.
Labels = NDArray[np.int64]
