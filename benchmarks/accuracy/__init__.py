"""Errors of the speed formula on published measurements, and the program that fits its constants."""
