"""The command line as ``python -m mcnet``, by which torchrun can start it."""

from mcnet.cli.main import main

if __name__ == "__main__":
    main()
