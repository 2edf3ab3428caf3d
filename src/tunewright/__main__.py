"""`python -m tunewright`."""

from tunewright.cli import main

if __name__ == "__main__":
    main()
