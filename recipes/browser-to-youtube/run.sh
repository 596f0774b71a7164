#!/bin/sh
# From the camera in a browser to YouTube: YOUTUBE_KEY=… run.sh. Ctrl-C ends it.
set -eu
HTTP=${HTTP:-127.0.0.1:8080} RTMP=${RTMP:-127.0.0.1:1935} WEBRTC=${WEBRTC:-127.0.0.1:8189}
here=$(dirname "$0")
: "${YOUTUBE_KEY:?is the stream key of YouTube Studio, Go live}"

echo "Open in Chrome, Firefox or Safari and press Camera: http://$HTTP/#/publish/live/studio"
exec node "$here/../../bin/crosspoint.js" serve --json --config "${CONFIG:-$here/crosspoint.yaml}" \
  --http "$HTTP" --rtmp "$RTMP" --webrtc "$WEBRTC"
