#!/bin/sh
# A visitor of a web page talks to a phone: run.sh sip:user@host. Ctrl-C ends it.
set -eu
HTTP=${HTTP:-127.0.0.1:8080} RTMP=${RTMP:-127.0.0.1:1935} WEBRTC=${WEBRTC:-127.0.0.1:8189} SIP=${SIP:-127.0.0.1:5060}
here=$(dirname "$0")
crosspoint=$here/../../bin/crosspoint.js
phone=${1:?is who is called: sip:user@host}

host=$(printf '%s' "$phone" | sed -E 's/^sips?:([^@]*@)?//; s/[:;?].*$//')
config=$(mktemp)
sed "s|PHONE_HOST|'$host'|" "$here/crosspoint.yaml" > "$config"
gateway=
finish() {
  trap - EXIT TERM INT
  [ -z "$gateway" ] || { kill $gateway; wait $gateway || true; } 2>/dev/null
  rm -f "$config"
}
trap finish EXIT
trap 'finish; exit 143' TERM INT
node "$crosspoint" serve --json --config "$config" --http "$HTTP" --rtmp "$RTMP" --webrtc "$WEBRTC" --sip "$SIP" &
gateway=$!
until curl -fs "http://$HTTP/healthz" >/dev/null; do
  kill -0 $gateway || exit 1
  sleep 0.1
done

cat <<TEXT
Talk:   http://$HTTP/#/publish/live/visitor      (the phone rings when you do)
Listen: http://$HTTP/#/watch/calls/phone
TEXT
until node "$crosspoint" streams --gateway "http://$HTTP" --json | grep -q '"live/visitor"'; do sleep 0.5; done
node "$crosspoint" call "$phone" --gateway "http://$HTTP" --from live/visitor --to calls/phone
