"""The runtime: everything that performs I/O or waits; the engine decides."""
