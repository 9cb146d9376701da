"""Airtime's playlist playout: schedule, library, rotation, catalogue."""
