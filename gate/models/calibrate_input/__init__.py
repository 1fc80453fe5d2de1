"""What the network takes for an image: input range, statistics of its first layers, scale of its scores."""
