"""What runs outside the server and knows nothing of it: the supervisor, the zygote, and what isolates each session.

Standard library only, with relative imports: the same folder is read by the server's interpreter and, inside, by the
operator's.
"""
