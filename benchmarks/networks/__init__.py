"""Networks whose truth is known: which the recipe lists, and how each is trained."""
