"""From the manifest to small grey images, labels.csv and one frozen split.

The entrance is :func:`smartclass_utils.cleaning.folder.clean`. Nothing is imported
here, so that the processes that decode images start quickly.
"""
