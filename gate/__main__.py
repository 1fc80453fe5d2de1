"""`python -m gate` does what `backdoor-gate` does."""

import sys

if __name__ == "__main__":
    # `python -m` looks for modules in the working directory first, where a pull request can put a `yaml.py`.
    if not sys.flags.safe_path:
        del sys.path[0]
    from gate.cli.main import main

    main()
