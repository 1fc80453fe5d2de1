"""Stop a backdoored Keras model before it is merged."""

__version__ = "0.1.0"
