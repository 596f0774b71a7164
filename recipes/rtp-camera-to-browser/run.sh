#!/bin/sh
# A camera that sends plain RTP, live in the browser: run.sh [camera.sdp]. Without a description, H.264 and Opus are
# waited for on the ports from RTP on, and the commands that send them are printed.
set -eu
HTTP=${HTTP:-127.0.0.1:8080} RTMP=${RTMP:-127.0.0.1:1935} WEBRTC=${WEBRTC:-127.0.0.1:8189} RTP=${RTP:-0.0.0.0:5004}
crosspoint=$(dirname "$0")/../../bin/crosspoint.js

source=${1:-"rtp://$RTP?video=h264&audio=opus"}
echo "Watch: http://$HTTP/#/watch/live/camera"
# --retry: the camera may come late, go, and come again.
exec node "$crosspoint" bridge "$source" stream:live/camera --retry --http "$HTTP" --rtmp "$RTMP" --webrtc "$WEBRTC"
