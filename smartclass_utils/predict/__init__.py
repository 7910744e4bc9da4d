"""From a photograph to a face to a class: ``python -m smartclass_utils predict``.

The entrance is :func:`smartclass_utils.predict.tables.predict_files`. Nothing is
imported here, so that the processes that look for faces start quickly.
"""
