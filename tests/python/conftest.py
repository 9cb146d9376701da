"""What all tests of Python share."""

import sys

from hypothesis import settings

# Programs that tests start leave no __pycache__ among the templates either: tools/python/check says so to all of them.
sys.dont_write_bytecode = True

# Drills may take both processors meanwhile: no example is too slow.
settings.register_profile("aerial", deadline=None, database=None, print_blob=True)
settings.load_profile("aerial")
