"""Whether Keras builds from the file the network that the gate rebuilds."""
