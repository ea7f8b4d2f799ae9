"""The command line as ``python -m mcnet``, by which torchrun can start it."""

import sys

from mcnet.cli.main import main

if __name__ == "__main__":
    sys.argv[0] = "mcnet"  # what written files say of where they come from
    main()
