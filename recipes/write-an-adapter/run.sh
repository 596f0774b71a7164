#!/bin/sh
# A gateway with an adapter of your own: run.sh SOURCE DESTINATION…
set -eu
here=$(dirname "$0")
# In a checkout the name "crosspoint" stands for its sources; with the package installed the condition means nothing.
exec node --conditions=source "$here/main.ts" "$@"
