#!/bin/sh
# Writes metrics for the exporter, into the folder that Debian's reads. Each program in metrics.d prints its own, in Prometheus's text
# format; those of one that fails are taken away, so that nobody takes old values for present ones.
set -eu

folder=/var/lib/prometheus/node-exporter
for program in /usr/local/lib/aerial/metrics.d/*; do
    name=${program##*/}
    new=$folder/.aerial-$name.prom.new
    if timeout 20 "$program" >"$new"; then
        chmod 0644 "$new"
        mv "$new" "$folder/aerial-$name.prom"
    else
        echo "metrics of $name: its program fails" >&2
        rm -f "$new" "$folder/aerial-$name.prom"
    fi
done
