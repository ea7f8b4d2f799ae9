"""Network architectures, their weights and model cards."""
