"""The one exception that mcnet raises for bad input."""


class McnetError(ValueError):
    """Bad input, told in a sentence: the value found, what was expected, and the remedy."""
