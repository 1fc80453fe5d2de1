"""`python -m gate` does what `backdoor-gate` does."""

from gate.cli.main import main

if __name__ == "__main__":
    main()
