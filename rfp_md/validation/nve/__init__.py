"""Does the total energy stay where it is?"""
