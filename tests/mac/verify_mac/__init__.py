"""What only a Mac can show, seen in one go: `make verify-mac`."""
