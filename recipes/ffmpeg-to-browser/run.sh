#!/bin/sh
# Any input that ffmpeg reads, live in the browser: run.sh [INPUT]. Without one, a test picture with a tone.
set -eu
HTTP=${HTTP:-127.0.0.1:8080} RTMP=${RTMP:-127.0.0.1:1935} WEBRTC=${WEBRTC:-127.0.0.1:8189}
crosspoint=$(dirname "$0")/../../bin/crosspoint.js

node "$crosspoint" serve --json --http "$HTTP" --rtmp "$RTMP" --webrtc "$WEBRTC" &
gateway=$!
ffmpeg=
finish() {
  # The publisher goes first, so that it can say goodbye.
  [ -z "$ffmpeg" ] || { kill "$ffmpeg" 2>/dev/null && wait "$ffmpeg"; } || true
  kill $gateway 2>/dev/null && wait $gateway || true
}
trap finish EXIT
trap 'exit 143' INT TERM
until curl -fs "http://$HTTP/healthz" >/dev/null; do
  kill -0 $gateway || exit 1
  sleep 0.1
done

if [ $# -gt 0 ]; then
  set -- -re -i "$1"
else
  set -- -re -f lavfi -i testsrc2=size=640x360:rate=30 -re -f lavfi -i sine=frequency=1000
fi
ffmpeg -hide_banner -loglevel error -nostdin "$@" \
  -c:v libx264 -preset veryfast -tune zerolatency -bf 0 -g 60 -pix_fmt yuv420p \
  -c:a aac -b:a 128k -ac 2 -f flv "rtmp://$RTMP/live/ffmpeg" &
ffmpeg=$!
echo "Watch: http://$HTTP/#/watch/live/ffmpeg"
wait $ffmpeg
