"""From raw folders of many layouts to one table of images, the manifest."""

from smartclass_utils.sources.manifest import (
    Manifest,
    compare_with_reported,
    find_data,
    load,
    overview,
)

__all__ = ["Manifest", "compare_with_reported", "find_data", "load", "overview"]
