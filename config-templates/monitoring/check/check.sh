#!/bin/sh
# Whether this machine does its work: it reads the metrics of every machine that it can be expected to reach.
exec /usr/local/lib/aerial/status --check
