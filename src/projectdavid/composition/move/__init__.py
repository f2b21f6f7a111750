"""Moves all data of a server between a data folder and PostgreSQL.

A move copies into an empty target, in small transactions that record how far it is, so an interrupted move continues.
It ends in this order: both sides are compared, the source is retired, and the target is opened to servers.
"""
