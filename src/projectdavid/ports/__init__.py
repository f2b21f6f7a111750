"""The sockets: what the platform needs from outside, each on one screen, with the errors it may raise."""
