"""What the user allows: policy files read, checked and resolved, and scans judged by them."""
