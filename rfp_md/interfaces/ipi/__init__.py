"""Inputs for i-PI."""
