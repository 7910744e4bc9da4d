"""What ``make bench`` and ``make soak`` measure."""
