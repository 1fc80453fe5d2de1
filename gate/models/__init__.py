"""TensorFlow lives here: load a model, ask it for logits and activations, make images for it."""
