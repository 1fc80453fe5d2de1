"""The zoo: clean and backdoored networks, trained by a recipe, whose truth is known."""
