"""Backups of a data folder, and copies restored from them.

A backup is a folder with the layout of the data folder and a manifest. It needs no server and does not disturb one: the
command works on its own connections.
"""
