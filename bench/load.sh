#!/usr/bin/env bash
# Requests a second and latencies of a server, by wrk (Debian's package), beside the same server
# answering a constant body, /robots.txt, which is the limit.
#
#   bench/load.sh INDEX TARGET [SECONDS]
#
# INDEX is an index, TARGET a host that has many anchors in it. Prints a line for each: what is asked,
# whether connections are kept, how many there are, requests a second, and p50, p90, p99 and p99.9 in
# milliseconds. Short answers are kept by the server and given again; "anew" is a server that keeps none;
# "charged" is one that wants a token, and charges each answer durably.
set -euo pipefail

index=${1:?an index} target=${2:?a target} seconds=${3:-10}
root=$(cd "$(dirname "$0")/.." && pwd)
windlass=${WINDLASS:-$root/target/release/windlass}
work=$(mktemp -d)
server=

command -v wrk >/dev/null || { echo "wrk is missing: apt-get install wrk" >&2; exit 1; }
[ -x "$windlass" ] || { echo "no $windlass: cargo build --release, or set WINDLASS" >&2; exit 1; }

stop() {
  [ -z "$server" ] || { kill "$server" && wait "$server"; } || true
  server=
}
trap 'stop; rm -r "$work"' EXIT

# Starts a server with more options; sets base.
start() {
  stop
  WINDLASS_LOG=${WINDLASS_LOG:-warn} "$windlass" serve --index "$index" --listen 127.0.0.1:0 --merge off \
    --queries-max 256 "$@" >"$work/out" &
  server=$!
  until grep -q 'listens on' "$work/out"; do
    kill -0 "$server"
    sleep 0.1
  done
  base=$(sed -n 's/^Windlass listens on //p' "$work/out")
}

cat >"$work/report.lua" <<'LUA'
function done(summary, latency, requests)
  local function ms(p) return latency:percentile(p) / 1000 end
  local bad = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout
  io.write(string.format("%10.0f/s  p50 %8.2f  p90 %8.2f  p99 %8.2f  p99.9 %8.2f ms  %d bad\n",
    summary.requests / (summary.duration / 1e6), ms(50), ms(90), ms(99), ms(99.9), bad))
end
LUA

# What, path, connections, and headers.
measure() {
  local what=$1 path=$2 connections=$3
  shift 3
  printf '%-34s %4s  ' "$what" "$connections"
  wrk --threads 1 --connections "$connections" --duration "${seconds}s" --timeout 60s "$@" \
    --script "$work/report.lua" "$base$path" | grep '/s  p50'
}

report="/?from=anchors&target=$target&mode=subdomains&output=json"
# What is behind the number of rows, and the numbers.
answers() {
  local what=$1
  shift
  for connections in 1 32; do
    for close in kept closed; do
      headers=()
      [ "$close" = kept ] || headers=(--header 'Connection: close')
      measure "constant body, $close" /robots.txt "$connections" "${headers[@]}"
      for rows in "$@"; do
        measure "$rows rows$what, $close" "$report&limit=$rows" "$connections" "${headers[@]}"
      done
    done
  done
}

start
answers '' 10 1000 100000
start --kept-answers-bytes-max 0
answers ' anew' 10
token=$("$windlass" token create --accounts "$work/accounts.sqlite" --name load --rows 1000000M --output json |
  sed -n 's/.*"token": *"\([^"]*\)".*/\1/p')
report="$report&token=$token"
start --accounts "$work/accounts.sqlite"
answers ' charged' 10
