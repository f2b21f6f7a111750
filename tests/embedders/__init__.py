"""Tests of the models that embed on this machine."""
