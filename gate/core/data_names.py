"""How files of images are called: what reads them and what looks for them agree."""

from __future__ import annotations

import re

PICTURES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".ppm"})

# As TensorFlow Datasets and its guides call them: a.tfrecord, a.tfrecords.gz, mnist-test.tfrecord-00000-of-00010.
TFRECORD = re.compile(r"\.tfrecords?(-\d+-of-\d+)?(\.gz)?$", re.IGNORECASE)

# What `Dataset.save` of tf.data writes beside the data: what an element is, and how many there are.
SAVED_SPEC, SAVED_METADATA = "dataset_spec.pb", "snapshot.metadata"
