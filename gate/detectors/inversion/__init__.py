"""Search for the smallest input change that moves images into a class, and what it says."""
