"""The running service: startup, main loop, shutdown, and what it knows of itself."""
