"""From the manifest to small grey images, labels.csv and one frozen split."""

from smartclass_utils.cleaning.folder import Cleaned, clean

__all__ = ["Cleaned", "clean"]
