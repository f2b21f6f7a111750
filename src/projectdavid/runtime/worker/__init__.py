"""The worker: claims runs and executes model turns."""
