"""Image quality metrics: each is one entry of `mcnet.metrics.registry`."""
