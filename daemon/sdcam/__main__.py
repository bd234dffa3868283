"""`python -m sdcam`."""

from sdcam.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
