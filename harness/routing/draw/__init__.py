"""A tool graph and what was done with it as a picture: Mermaid text, or SVG that stands alone."""
