"""From statistics of single classes to one anomaly index, and to the joint score."""
