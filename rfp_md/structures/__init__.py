"""Geometry, written once: images, neighbours, bonds, orders of atoms, strain, fingerprints."""
