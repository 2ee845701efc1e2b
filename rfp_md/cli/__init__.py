"""The rfp command: one thin file per verb; nothing heavy is imported before a verb runs."""
