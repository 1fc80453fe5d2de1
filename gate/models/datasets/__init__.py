"""The user's images, in every form that is read."""
