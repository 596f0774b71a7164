#!/bin/sh
# A gateway that tells a receiver what happens and asks it who may publish. Ctrl-C ends both.
set -eu
HTTP=${HTTP:-127.0.0.1:8080} RTMP=${RTMP:-127.0.0.1:1935} WEBRTC=${WEBRTC:-127.0.0.1:8189}
export RECEIVER="${RECEIVER:-127.0.0.1:9000}"
here=$(dirname "$0")
crosspoint=$here/../../bin/crosspoint.js
# Made anew each time here. Gateway and receiver must have the same; nobody else may.
export HOOK_SECRET="${HOOK_SECRET:-$(node -p 'require("node:crypto").randomBytes(24).toString("hex")')}"

config=$(mktemp)
sed "s/127\.0\.0\.1:9000/$RECEIVER/" "$here/crosspoint.yaml" > "$config"
node "$here/receiver.js" &
receiver=$!
gateway=
# The gateway first: its last events still go out.
finish() {
  trap - EXIT TERM INT
  [ -z "$gateway" ] || { kill $gateway; wait $gateway || true; } 2>/dev/null
  kill $receiver 2>/dev/null
  rm -f "$config"
}
trap finish EXIT
trap 'finish; exit 143' TERM INT

# Waits for the receiver: the test event is sent, signed as every event is.
until node "$crosspoint" hooks test --config "$config" > /dev/null 2>&1; do
  kill -0 $receiver
  sleep 0.2
done
node "$crosspoint" hooks test --config "$config"

cat <<TEXT
OBS:      Server rtmp://$RTMP/live   Stream Key cam?token=open-sesame
Refused:  Server rtmp://$RTMP/live   Stream Key cam
TEXT
node "$crosspoint" serve --json --config "$config" --http "$HTTP" --rtmp "$RTMP" --webrtc "$WEBRTC" &
gateway=$!
wait $gateway
