"""Momenta, molecular dynamics, replicas and relaxation."""
