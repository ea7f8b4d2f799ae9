"""Training of the networks that come with mcnet."""
