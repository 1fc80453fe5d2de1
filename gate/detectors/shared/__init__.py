"""What a detector is given, and how triggers are shown."""
