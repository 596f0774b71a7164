#!/bin/sh
# A gateway that is an extension of a PBX: whoever calls it hears a stream, and is one. Ctrl-C ends it.
set -eu
HTTP=${HTTP:-127.0.0.1:8080} RTMP=${RTMP:-127.0.0.1:1935} WEBRTC=${WEBRTC:-127.0.0.1:8189}
SIP=${SIP:-127.0.0.1:5060}
here=$(dirname "$0")
crosspoint=$here/../../bin/crosspoint.js
: "${SIP_PASSWORD:?is the password of the extension at the PBX}"
export SIP_PASSWORD

config=$(mktemp)
sed "s|sip:door@pbx.example|${1:?is the address at the PBX: sip:door@pbx.example}|" "$here/crosspoint.yaml" > "$config"
gateway=
finish() {
  trap - EXIT TERM INT
  # It gives its registration back first.
  [ -z "$gateway" ] || { kill $gateway; wait $gateway || true; } 2>/dev/null
  rm -f "$config"
}
trap finish EXIT
trap 'finish; exit 143' TERM INT

cat <<TEXT
OBS:      Server rtmp://$RTMP/live   Stream Key cam      (what callers hear)
Calls:    http://$HTTP/v1/calls
Account:  http://$HTTP/v1/accounts                       (registered, or why not)
Ring:     crosspoint call sip:NUMBER@${1#*@} --to calls/out --from live/cam
TEXT
node "$crosspoint" serve --json --config "$config" --http "$HTTP" --rtmp "$RTMP" --webrtc "$WEBRTC" --sip "$SIP" &
gateway=$!
wait $gateway
