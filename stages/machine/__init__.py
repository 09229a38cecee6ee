"""The machine underfoot: files written whole, locks, processes, devices, progress, endings.

Imports `schemas` alone. To add: what every room needs of a machine and no room of its data.
"""
