"""Does a molecule stay that molecule?"""
