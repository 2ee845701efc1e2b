"""Pictures that stand inside a page, as SVG: curves by matplotlib, and structures as balls and sticks."""
