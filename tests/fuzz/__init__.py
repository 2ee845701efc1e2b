"""Inputs made to go wrong, by chance: ``make fuzz`` for ten minutes, a few of each in the suite.

A part is a module with ``attempt(random, folder) → Case``; ``trial.py`` runs cases in a process of its own, with little
memory and little time. What was found so far is a test with a name, where what it is about is tested.
"""
