"""Matrices: normal equations, ridge solves, selection of columns; nothing chemical."""
