"""Turns a plan into paths and texts. Pure: needs Jinja2, touches no disk, clock, network or machine."""
