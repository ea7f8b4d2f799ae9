"""Regularisers of joint estimation: a file each, by name in `registry`."""
