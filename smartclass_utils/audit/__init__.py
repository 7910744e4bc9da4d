"""Whether the numbers can be believed: the original report's, and our own."""
