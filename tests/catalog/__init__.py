"""Tests of the model catalog."""
