"""The sets that benches make."""
