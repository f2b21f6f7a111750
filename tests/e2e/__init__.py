"""The whole platform: real processes on loopback that are killed, cut off, starved and lied to."""
