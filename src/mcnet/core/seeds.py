"""Seeds of random numbers."""

from mcnet.core.errors import BadOptionError

MAX_SEED = 2**63 - 1
"""Generators of random numbers take no greater one."""


def check_seed(seed: int) -> None:
    """Refuse a seed that no generator of random numbers takes.

    Raises
    ------
    McnetError
        It is below zero or beyond 63 bits.
    """
    if not 0 <= seed <= MAX_SEED:
        shown = f"{seed}" if abs(seed) <= 10**30 else "of more than 30 digits"
        raise BadOptionError(
            f"seed {shown} is impossible; give a whole number from 0 to {MAX_SEED}."
        )
