"""What detectors that look at labelled images share: which of them they blame."""
