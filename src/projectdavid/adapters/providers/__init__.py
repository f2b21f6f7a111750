"""The plugs of the model socket: one folder per kind of provider, found by name."""
