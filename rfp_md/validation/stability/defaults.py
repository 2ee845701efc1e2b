"""What a whole and a quick check of the stability are."""

LENGTH, QUICK_LENGTH = 300.0, 3.0  # ps
REPLICAS, QUICK_REPLICAS = 5, 3
TEMPERATURE = 500.0  # K
TIMESTEP = 0.5  # fs
