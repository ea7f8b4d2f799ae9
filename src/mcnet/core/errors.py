"""The exceptions that mcnet raises for what its user can mend.

All of them are `McnetError`, and so `ValueError`; each tells in one sentence the value found, what
was expected, and the remedy. The kinds are for callers that can handle one of them:

=================== ============================================ ===================================
exception           what is wrong                                what a caller may do
=================== ============================================ ===================================
`McnetError`        anything below, or input that does not fit   tell the user; go on with the next
`BadFileError`      a file or folder that is read is missing,    skip the file, go on with others
                    damaged, or not of the kind that is needed
`BadOptionError`    an option, argument or setting that cannot   mend the call; no file will help
                    be, or that contradicts another
`OutputError`       a place that cannot be written, or that      choose another output
                    holds what mcnet did not make
`DeviceError`       the device asked for is not there            fall back to ``device="cpu"``
`MissingExtraError` a package of an extra is not installed       install ``mcnet[extra]``
=================== ============================================ ===================================
"""


class McnetError(ValueError):
    """Bad input, told in a sentence: the value found, what was expected, and the remedy."""


class BadFileError(McnetError):
    """A file or folder that is read is missing, damaged, or not of the kind that is needed."""


class BadOptionError(McnetError):
    """An option, argument or setting that cannot be, or that contradicts another."""


class OutputError(McnetError):
    """A place that cannot be written, or that holds what mcnet did not make."""


class DeviceError(McnetError):
    """The device that was asked for is not there, or cannot be used."""


class MissingExtraError(McnetError):
    """A package that an extra of mcnet installs is not there."""
