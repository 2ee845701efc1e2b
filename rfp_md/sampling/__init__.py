"""Reference frames by molecular dynamics."""
