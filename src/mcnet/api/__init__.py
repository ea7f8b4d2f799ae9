"""The public API: what `mcnet` gives to Python, and what the command line calls."""
