#!/bin/sh
# A gateway where publishers show a key and viewers a token. Ctrl-C ends it.
set -eu
HTTP=${HTTP:-127.0.0.1:8080} RTMP=${RTMP:-127.0.0.1:1935} WEBRTC=${WEBRTC:-127.0.0.1:8189}
here=$(dirname "$0")
crosspoint=$here/../../bin/crosspoint.js
random() { node -p 'require("node:crypto").randomBytes(24).toString("hex")'; }

# Made anew each time here. Keep yours, readable by the gateway alone: whoever has JWT_SECRET signs tokens.
STREAM_KEY=${STREAM_KEY:-$(random)} API_KEY=${API_KEY:-$(random)} JWT_SECRET=${JWT_SECRET:-$(random)}
export STREAM_KEY API_KEY JWT_SECRET

token() { node "$crosspoint" token --config "$here/crosspoint.yaml" "$@"; }
VIEWER=$(token --play 'live/*' --for 1h --subject viewer)
GUEST=$(token --publish guests/anna --for 1h --subject anna)

cat <<TEXT
OBS:      Server rtmp://$RTMP/live   Stream Key cam?key=$STREAM_KEY
Guest:    WHIP http://$HTTP/whip/guests/anna   Bearer Token $GUEST
Watch:    http://$HTTP/#/watch/live/cam?token=$VIEWER
FLV:      http://$HTTP/live/cam.flv?token=$VIEWER
API:      curl -H "Authorization: Bearer $API_KEY" http://$HTTP/v1/streams
TEXT
exec node "$crosspoint" serve --json --config "$here/crosspoint.yaml" --http "$HTTP" --rtmp "$RTMP" --webrtc "$WEBRTC"
