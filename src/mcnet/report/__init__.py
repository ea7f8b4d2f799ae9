"""Figures, tables and self-contained pages; the only room that draws."""
