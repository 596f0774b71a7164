#!/bin/sh
# The gateway for OBS, with the settings to type into OBS. Ctrl-C ends it.
set -eu
HTTP=${HTTP:-127.0.0.1:8080} RTMP=${RTMP:-127.0.0.1:1935} WEBRTC=${WEBRTC:-127.0.0.1:8189}
crosspoint=$(dirname "$0")/../../bin/crosspoint.js

cat <<TEXT
OBS › Settings › Stream:   Service Custom…   Server rtmp://$RTMP/live   Stream Key obs
OBS › Settings › Output:   Keyframe Interval 2 s   Tune zerolatency   x264 Options bframes=0
Watch:                     http://$HTTP/#/watch/live/obs
TEXT
exec node "$crosspoint" serve --json --http "$HTTP" --rtmp "$RTMP" --webrtc "$WEBRTC"
