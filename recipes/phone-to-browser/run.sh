#!/bin/sh
# A phone call in the browser, heard and answered there. Ctrl-C ends it.
set -eu
HTTP=${HTTP:-127.0.0.1:8080} RTMP=${RTMP:-127.0.0.1:1935} WEBRTC=${WEBRTC:-127.0.0.1:8189} SIP=${SIP:-127.0.0.1:5060}
here=$(dirname "$0")

cat <<TEXT
Call:   sip:1000@$SIP                           (from any SIP phone of this house)
Listen: http://$HTTP/#/watch/calls/phone
Talk:   http://$HTTP/#/publish/live/studio
Calls:  http://$HTTP/#/calls
TEXT
exec node "$here/../../bin/crosspoint.js" serve --json --config "$here/crosspoint.yaml" \
  --http "$HTTP" --rtmp "$RTMP" --webrtc "$WEBRTC" --sip "$SIP"
