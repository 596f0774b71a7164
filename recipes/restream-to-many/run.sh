#!/bin/sh
# Carries one source to many servers and keeps them connected: run.sh FROM TO…, e.g.
#   run.sh rtmp://source/live/cam rtmp://one/app/KEY rtmp://two/app/KEY#profile=youtube twitch:KEY
set -eu
crosspoint=$(dirname "$0")/../../bin/crosspoint.js

if [ $# -lt 2 ]; then
  echo "usage: run.sh FROM TO…" >&2
  exit 2
fi
exec node "$crosspoint" bridge "$@" --retry ${CROSSPOINT_FLAGS:-}
