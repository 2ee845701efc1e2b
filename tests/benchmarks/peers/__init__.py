"""The models that accuracy.py and speed.py compare, each behind the same few lines; peers are optional."""
