"""Descriptors from featomic for rfp-md."""
