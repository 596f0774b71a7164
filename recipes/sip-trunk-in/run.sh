#!/bin/sh
# Calls of a SIP provider, each number its own room: run.sh PROVIDER, an IP address or a name. Ctrl-C ends it.
set -eu
HTTP=${HTTP:-127.0.0.1:8080} RTMP=${RTMP:-127.0.0.1:1935} WEBRTC=${WEBRTC:-127.0.0.1:8189} SIP=${SIP:-127.0.0.1:5060}
here=$(dirname "$0")
crosspoint=$here/../../bin/crosspoint.js
: "${ROOM_PIN:?is what callers of the meeting key in}"
export ROOM_PIN

config=$(mktemp)
sed "s|CARRIER|${1:?is the address of the provider}|" "$here/crosspoint.yaml" > "$config"
gateway=
finish() {
  trap - EXIT TERM INT
  [ -z "$gateway" ] || { kill $gateway; wait $gateway || true; } 2>/dev/null
  rm -f "$config"
}
trap finish EXIT
trap 'finish; exit 143' TERM INT

echo "What a call would meet, from the provider and from a stranger:"
node "$crosspoint" sip explain sip:+493055542@gateway --from "$1" --config "$config"
node "$crosspoint" sip explain sip:+493055542@gateway --from 203.0.113.9 --config "$config" || true
node "$crosspoint" serve --json --config "$config" --http "$HTTP" --rtmp "$RTMP" --webrtc "$WEBRTC" --sip "$SIP" &
gateway=$!
wait $gateway
