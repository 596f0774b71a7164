#!/bin/sh
# Records a live stream into an FLV file, then plays the file as a live stream: run.sh STREAM FILE SECONDS
# The gateway must be running (crosspoint serve); HTTP is its address.
set -eu
HTTP=${HTTP:-127.0.0.1:8080}
stream=${1:-live/cam} file=${2:-cam.flv} seconds=${3:-10}
api=http://$HTTP/v1/bridges

open() {
  answer=$(curl -fsS --json "{\"from\": \"$1\", \"to\": [\"$2\"]}" "$api")
  id=$(printf %s "$answer" | sed 's/^{"id":"\([^"]*\)".*/\1/')
}

open "stream:$stream" "$file"
echo "recording $stream into $file for $seconds s (bridge $id)"
sleep "$seconds"
curl -fsS -X DELETE "$api/$id"

open "$file?loop=true" "stream:replay/$stream"
echo "replaying as replay/$stream (bridge $id): http://$HTTP/#/watch/replay/$stream"
echo "to end it: curl -X DELETE $api/$id"
