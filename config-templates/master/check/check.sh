#!/bin/sh
# Whether this Master is on air: every public mount live, every channel playing, its ports answering in TLS.
exec /usr/local/lib/aerial/status --check
