"""Scores on the sealed test part, beside baselines, with paired comparisons."""
