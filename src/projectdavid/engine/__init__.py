"""The rules: what a run is and what may happen to it. Pure: no I/O, no clock, no asyncio."""
