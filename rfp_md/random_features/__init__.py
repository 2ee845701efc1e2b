"""Random features φ_k(x) = σ(W_k·x + b_k): activations, pair sampling, weight laws, spectral densities."""
