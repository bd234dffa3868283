"""The Unix socket through which the command line speaks to the running service."""
