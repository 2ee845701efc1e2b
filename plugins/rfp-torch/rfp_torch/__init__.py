"""Regressors trained by gradient descent in PyTorch, for rfp-md."""
