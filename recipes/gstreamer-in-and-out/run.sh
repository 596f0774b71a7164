#!/bin/sh
# GStreamer sends a test picture with a tone through the gateway, and GStreamer records what comes out: run.sh [SECONDS].
# Both run the very commands that "crosspoint bridge" prints. The film is received.mkv, in the current directory.
set -eu
IN=${IN:-127.0.0.1:5004} OUT=${OUT:-127.0.0.1:5104} CODECS=${CODECS:-"video=h264&audio=opus"}
crosspoint=$(dirname "$0")/../../bin/crosspoint.js
printed=$(mktemp)

node "$crosspoint" bridge "rtp://$IN?$CODECS" "rtp://$OUT" --retry >"$printed" &
gateway=$!
sender= receiver=
finish() {
  kill $sender $gateway 2>/dev/null || true
  rm -f "$printed"
}
trap finish EXIT
trap 'exit 143' INT TERM

# The command of the sender is printed at once, that of the receiver when the first picture is there.
command() {
  until sed -n 's/^  gst-launch-1.0 /gst-launch-1.0 /p' "$printed" | sed -n "$1p" | grep .; do
    kill -0 $gateway
    sleep 0.1
  done
}
eval "exec $(command 1)" >/dev/null &
sender=$!
eval "exec $(command 2)" >/dev/null &
receiver=$!
sleep "${1:-5}"
# As Ctrl-C does: the film is ended properly.
kill -INT $receiver
wait $receiver
echo "Recorded: received.mkv"
