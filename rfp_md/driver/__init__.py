"""rfp-driver: the client side of the i-PI socket protocol."""
