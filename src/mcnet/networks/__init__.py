"""Networks, their configuration and their weights."""
