"""Motion and still images that explain k-space together."""
