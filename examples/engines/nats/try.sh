#!/bin/sh
# An archive through a queue on one machine: a server, two workers, and what they leave. Needs nats-server, and affect with the feature queue.
#   examples/engines/nats/try.sh /data/calls results
set -eu
calls=$1
results=$2
work=$(mktemp -d)
port=$((20000 + $$ % 20000))
queue="nats://127.0.0.1:$port"
printf 'listen: 127.0.0.1:%s\njetstream { store_dir: "%s" }\n' "$port" "$work/store" >"$work/nats.conf"
nats-server -c "$work/nats.conf" -l "$work/nats.log" &
server=$!
trap 'kill "$server"; wait "$server" 2>/dev/null || true; rm -rf "$work"' EXIT

affect archive plan "$calls" --out "$results" --roles agent,caller
affect archive submit "$results" --queue "$queue"
# Two of them, as if on two machines. They leave when there was nothing to do for ten seconds.
affect archive work --queue "$queue" --jobs 1 --until-idle 10s --quiet &
affect archive work --queue "$queue" --jobs 1 --until-idle 10s --quiet
wait "$!"
affect archive status "$results" --queue "$queue"
