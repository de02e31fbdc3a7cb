"""``python -m invdiff.cli``."""

from invdiff.cli import main

main()
