"""What ``make`` calls: one module a command; no chapter imports them."""
