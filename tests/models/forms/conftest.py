from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gate.core.errors import DataError
from gate.core.job import Role
from gate.models.datasets import dataset as datasets
from gate.models.datasets.dataset import Dataset

Open = Callable[..., Dataset]


def load(
    path: Path,
    role: Role = Role.CLEAN,
    shape: tuple[int, int, int] = (4, 4, 1),
    span: tuple[float, float] = (0.0, 1.0),
) -> Dataset:
    return datasets.load(path, role, shape, 3, span)


@pytest.fixture
def opened() -> Open:
    """Open a data set for a network of 3 classes."""
    return load


@pytest.fixture
def refusal() -> Callable[..., str]:
    """Return why a data set is refused: it names the file, what was expected, and how to mend it, on one line."""

    def why(path: Path, **options: Any) -> str:
        with pytest.raises(DataError) as error:
            load(path, **options)
        assert error.value.hint
        assert str(error.value).startswith(str(path))
        assert str(error.value).isprintable()
        return str(error.value)

    return why


@pytest.fixture
def pixels() -> Callable[[Dataset], Any]:
    def read(dataset: Dataset) -> Any:
        return dataset.images[np.arange(len(dataset.images))]

    return read


@pytest.fixture(scope="session")
def tf(keras: Any) -> Any:
    import tensorflow

    return tensorflow
