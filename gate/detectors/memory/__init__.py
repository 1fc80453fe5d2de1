"""What a network's running statistics keep of its training set."""
