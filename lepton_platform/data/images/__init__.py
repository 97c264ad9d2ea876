"""Pictures: where they lie, what is in them, and which of them are nearly the same.

A *catalogue* is a table with one row per picture that says where it lies; pixels are read from
there one by one, so that memory stays flat however many there are:

======  ======================================================================
path    absolute path of the file that holds it
part    array of an NPZ archive, for instance ``train_images``; else empty
frame   its number within the array or the file, counted from 0
======  ======================================================================

Beside these stand, where they are known, ``label``, ``split``, ``patient`` and ``group``. The index
is the picture's name within the source. Pixels are 8-bit RGB throughout, upright, shape (height,
width, 3); grey pictures have three equal channels.

======================  =======================================================
`catalogue.py`          from a path to a catalogue
`npz.py`  `folder.py`   the layouts: MedMNIST's NPZ archives; folders by class
`manifest.py`           ... and tables that name picture files
`pixels.py`             from a catalogue to pixels
`picture_file.py`       one file's pixels: PNG, JPEG, TIFF ... and `dicom.py`
`inspection.py`         reads every picture once: faults, digests, thumbnails
`twins.py`              near-duplicates, mirror images included
======================  =======================================================

Needs the extra ``lepton-platform[images]``.
"""
