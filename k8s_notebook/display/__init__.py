"""Rows to text, HTML and SVG: pure, without script, light and dark."""
