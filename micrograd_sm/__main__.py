"""`python -m micrograd_sm`: the same as the command `micrograd-sm`."""

import sys

from micrograd_sm.cli import main

if __name__ == "__main__":
    sys.exit(main())
