//go:build tools

// Package tools pins Pebble, the lab's ACME server.
package tools

import _ "github.com/letsencrypt/pebble/v2/cmd/pebble"
