#!/bin/sh
# What this Relay says of itself.
exec curl --silent --show-error --fail --max-time 5 http://127.0.0.1:8079/metrics
