#!/bin/sh
# A gateway with its numbers at /metrics for Prometheus. Ctrl-C ends it.
set -eu
HTTP=${HTTP:-127.0.0.1:8080} RTMP=${RTMP:-127.0.0.1:1935} WEBRTC=${WEBRTC:-127.0.0.1:8189}
here=$(dirname "$0")

cat <<TEXT
Publish:     rtmp://$RTMP/live/cam
Look:        curl http://$HTTP/metrics
Prometheus:  prometheus --config.file=$here/prometheus.yml   (then http://127.0.0.1:9090/alerts)
TEXT
exec node "$here/../../bin/crosspoint.js" serve --json --http "$HTTP" --rtmp "$RTMP" --webrtc "$WEBRTC"
