"""Images without data: what stands in for the user's data set when none is given."""
