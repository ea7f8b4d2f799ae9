"""The examples in the docstrings of the public API, run as they stand there."""

import doctest
import importlib
import pkgutil

import pytest

import mcnet.api

pytestmark = pytest.mark.slow

MODULES = [
    *(f"mcnet.api.{module.name}" for module in pkgutil.iter_modules(mcnet.api.__path__)),
    "mcnet.core.progress",
    "mcnet.io.volume",
]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_give_what_they_say(name):
    done = doctest.testmod(importlib.import_module(name))
    assert done.failed == 0
    assert done.attempted or name in ("mcnet.api.progress",)


def test_every_public_function_has_an_example():
    functions = [name for name in mcnet.__all__ if name[0].islower()]
    assert len(functions) >= 11
    for name in functions:
        assert "Examples\n" in getattr(mcnet, name).__doc__, name
