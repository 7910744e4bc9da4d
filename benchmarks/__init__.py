"""What ``make bench`` measures; every module has a ``run()``."""
