"""Processes outside the server that isolate sessions: the supervisor, the zygote, and the setup of a session.

Standard library only, with relative imports: both the server's interpreter and the operator's interpreter inside the
sandbox read this folder.
"""
