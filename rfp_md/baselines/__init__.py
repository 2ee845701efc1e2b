"""What is not learned: taken off before the fit, added in prediction."""
