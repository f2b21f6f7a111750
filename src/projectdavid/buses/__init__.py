"""The plugs of the bus socket."""
