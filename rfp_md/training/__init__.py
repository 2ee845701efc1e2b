"""From reference frames to a potential."""
