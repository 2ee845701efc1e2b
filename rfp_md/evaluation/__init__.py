"""How far a potential is from reference frames, and whether that says anything."""
