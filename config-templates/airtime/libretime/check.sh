#!/bin/sh
# Whether this machine does its work: LibreTime answers, and every Master that can be reached takes its channel.
exec /usr/local/lib/aerial/status --check
