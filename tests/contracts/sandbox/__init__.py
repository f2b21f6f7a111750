"""What every adapter of sandboxes keeps: suites to be run over any of them, and over ours."""
