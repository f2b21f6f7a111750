"""The providers, asked over real connections."""
