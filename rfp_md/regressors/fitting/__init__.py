"""The fit: rows, normal equations, solves and scores."""
