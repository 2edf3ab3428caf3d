"""What the finished model is worth, beside others, where it fails and why."""
