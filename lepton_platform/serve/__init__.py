"""The HTTP API and the web page of every application that has a good run; needs the extra ``serve``.

``app`` puts it together: ``api`` answers programs, ``pages`` answers people, both on a ``Service``, which
holds the promoted model of each application. ``gate`` stands in front of both: tokens, sizes, origins, time.
"""
