"""The plugs of the store socket."""
