#!/bin/sh
# Pulls a stream from another server and relays it: run.sh FROM TO…, e.g.
#   run.sh rtmp://source/live/cam rtmp://destination/live/cam copy.flv stream:live/cam
set -eu
crosspoint=$(dirname "$0")/../../bin/crosspoint.js

if [ $# -lt 2 ]; then
  echo "usage: run.sh FROM TO…" >&2
  exit 2
fi
echo "What will be done:"
node "$crosspoint" bridge "$@" --explain ${CROSSPOINT_FLAGS:-}
exec node "$crosspoint" bridge "$@" ${CROSSPOINT_FLAGS:-}
