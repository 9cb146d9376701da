//go:build tools

// Package tools pins versitygw, the lab's S3 server.
package tools

import _ "github.com/versity/versitygw/cmd/versitygw"
