"""How good the corrected images are, beside honest baselines."""
