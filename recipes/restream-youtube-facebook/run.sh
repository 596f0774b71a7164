#!/bin/sh
# One stream to YouTube and Facebook at once: YOUTUBE_KEY=… FACEBOOK_KEY=… run.sh. Ctrl-C ends it.
set -eu
HTTP=${HTTP:-127.0.0.1:8080} RTMP=${RTMP:-127.0.0.1:1935} WEBRTC=${WEBRTC:-127.0.0.1:8189}
here=$(dirname "$0")
: "${YOUTUBE_KEY:?is the stream key of YouTube Studio, Go live}" "${FACEBOOK_KEY:?is the stream key of Facebook Live}"

cat <<TEXT
OBS › Settings › Stream:   Service Custom…   Server rtmp://$RTMP/live   Stream Key cam
OBS › Settings › Output:   Keyframe Interval 2 s
How it is:                 curl http://$HTTP/v1/bridges
TEXT
exec node "$here/../../bin/crosspoint.js" serve --json --config "${CONFIG:-$here/crosspoint.yaml}" \
  --http "$HTTP" --rtmp "$RTMP" --webrtc "$WEBRTC"
