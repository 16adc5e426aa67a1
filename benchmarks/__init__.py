"""What is promised about speed, measured against the programs one would use instead, on the same work, in one run."""
