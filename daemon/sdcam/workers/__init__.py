"""The processes and threads of the service, and how pixels pass between them.

    capture process --> InferenceWorker (thread) + model process --> OutputWorker (thread)

Pixels stay in shared memory that the daemon allocates once; records pass through pipes.
"""
