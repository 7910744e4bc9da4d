"""Inside a network: its filters, feature maps, activation maps and embedding."""
