"""`python -m cncbops` is `cncbops`."""

from cncbops.cli import main

if __name__ == "__main__":
    main()
