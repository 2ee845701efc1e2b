"""Potentials inside potentials: a model as a baseline of another one, in one file."""
