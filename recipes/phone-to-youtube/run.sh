#!/bin/sh
# Whoever calls is on air: YOUTUBE_KEY=… run.sh [PICTURE]. Ctrl-C ends it.
set -eu
HTTP=${HTTP:-127.0.0.1:8080} RTMP=${RTMP:-127.0.0.1:1935} WEBRTC=${WEBRTC:-127.0.0.1:8189} SIP=${SIP:-127.0.0.1:5060}
here=$(dirname "$0")
crosspoint=$here/../../bin/crosspoint.js
: "${YOUTUBE_KEY:?is the stream key of YouTube Studio, Go live}"
export YOUTUBE_KEY

folder=$(mktemp -d)
gateway= show=
finish() {
  trap - EXIT TERM INT
  [ -z "$show" ] || { kill $show; wait $show || true; } 2>/dev/null
  [ -z "$gateway" ] || { kill $gateway; wait $gateway || true; } 2>/dev/null
  rm -rf "$folder"
}
trap finish EXIT
trap 'finish; exit 143' TERM INT

# Two notes for the caller: you are on air.
ffmpeg -hide_banner -loglevel error -f lavfi -i "sine=frequency=660:duration=0.3" \
  -f lavfi -i "sine=frequency=880:duration=0.4" -filter_complex "[0][1]concat=n=2:v=0:a=1" "$folder/greeting.wav"
sed "s|GREETING|$folder/greeting.wav|" "${CONFIG:-$here/crosspoint.yaml}" > "$folder/crosspoint.yaml"
node "$crosspoint" serve --json --config "$folder/crosspoint.yaml" \
  --http "$HTTP" --rtmp "$RTMP" --webrtc "$WEBRTC" --sip "$SIP" &
gateway=$!
until curl -fs "http://$HTTP/healthz" >/dev/null; do
  kill -0 $gateway || exit 1
  sleep 0.1
done

# YouTube takes no sound without a picture.
if [ $# -gt 0 ]; then set -- -re -loop 1 -framerate 30 -i "$1"
else set -- -re -f lavfi -i color=navy:size=1280x720:rate=30; fi
echo "On air by: sip:1000@$SIP"
while kill -0 $gateway 2>/dev/null; do
  if curl -fs "http://$HTTP/v1/streams/calls%2Fstudio" | grep -q '"state":"ready"'; then
    ffmpeg -hide_banner -loglevel error -nostdin "$@" -fflags nobuffer -analyzeduration 100000 -i "http://$HTTP/calls/studio.flv" \
      -map 0:v -map 1:a -c:v libx264 -preset veryfast -tune stillimage -bf 0 -g 60 -pix_fmt yuv420p \
      -c:a aac -b:a 128k -ar 44100 -ac 2 -shortest -f flv "rtmp://$RTMP/live/show" &
    show=$!
    wait $show || true
    show=
  fi
  sleep 0.5
done
