"""Descriptors that only the thesis uses."""
