"""What can be said of a model file without building the model: no TensorFlow, no code of the file."""
