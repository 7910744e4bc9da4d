"""The finished report as pages, as a deck of slides and as one PDF."""
