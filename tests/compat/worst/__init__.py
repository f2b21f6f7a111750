"""The behavior of the dialect, with a model's server that is as unkind as real ones are allowed to be."""
