"""Can this potential be trusted in MD? Checks that give figures and a verdict."""
