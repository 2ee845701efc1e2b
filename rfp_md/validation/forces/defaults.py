"""What a whole and a quick check of the forces are."""

STRUCTURES, QUICK_STRUCTURES = 5, 2
