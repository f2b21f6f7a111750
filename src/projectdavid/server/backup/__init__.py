"""Backups of a data folder, and copies restored from them.

A backup is a folder that is laid out as the data folder is, with a manifest. Making one needs no server, and disturbs
none: all of it happens in the process of the command, on connections of its own.
"""
