"""The life of the service: startup, main loop, shutdown; how the system starts it; the doctor.

Modules are imported by name: to ask launchd for the service's state takes no part of the service.
"""
