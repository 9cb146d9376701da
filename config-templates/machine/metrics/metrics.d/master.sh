#!/bin/sh
# What this Master says of itself.
exec /usr/local/lib/aerial/status --metrics
