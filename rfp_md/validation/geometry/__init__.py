"""Is there a minimum, with real vibrations and sensible barriers?"""
