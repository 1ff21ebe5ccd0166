#!/usr/bin/env bash
# Windlass beside other engines: the same questions, the same rows, the times.
#
#   bench/compare.sh [LINKS]        an index of so many synthetic links, 10M where nothing is said
#   bench/compare.sh --corpus DIR   an index of the archive files in DIR
#
# Results go to target/compare/NAME/: result.md (also printed), result.json, questions.json. What is
# there already of an earlier run, the index and its export, is used again.
#
#   VENV=DIR      the Python environment; made with requirements.txt where there is none
#   WORK=DIR      in place of target/compare/NAME
#   WINDLASS=FILE a program in place of the release build
#   MEMORY=BYTES  of the build (a windlass flag: 1G where nothing is said)
# Further flags go to `python3 -m peers`: see bench/README.md.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")

if [[ ${1:-} == -h || ${1:-} == --help ]]; then
    sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "$0"
    exit
fi
corpus=
if [[ ${1:-} == --corpus ]]; then
    [[ -d ${2:-} ]] || { echo "usage: compare.sh --corpus DIR [FLAG...]" >&2; exit 2; }
    corpus=$2
    name=corpus
    shift 2
else
    links=10M
    if [[ $# -gt 0 && $1 != -* ]]; then
        links=$1
        shift
    fi
    name=links-$links
fi

venv=${VENV:-$root/target/peers-venv}
work=${WORK:-$root/target/compare/$name}
if [[ ! -x $venv/bin/python ]]; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --requirement "$here/requirements.txt"
fi
if [[ -z ${WINDLASS:-} ]]; then
    (cd "$root" && cargo build --release --package windlass)
    WINDLASS=$root/target/release/windlass
fi
mkdir -p "$work"
work=$(cd "$work" && pwd)
WINDLASS=$(cd "$(dirname "$WINDLASS")" && pwd)/$(basename "$WINDLASS")

# An index is whole when build.json says what it took.
if [[ ! -s $work/build.json ]]; then
    rm -rf "$work/index" "$work/export" "$work/layout"
    if [[ -n $corpus ]]; then
        "$WINDLASS" ingest --index "$work/index" --output json "$corpus" > "$work/ingest.json"
        "$WINDLASS" merge --index "$work/index" >&2
        echo '{}' > "$work/build.json"
    else
        "$WINDLASS" bench --links "$links" --memory "${MEMORY:-1G}" --keep "$work/index" --no-ask \
            --output json > "$work/build.json.part"
        mv "$work/build.json.part" "$work/build.json"
    fi
fi
cd "$here"
status=0
"$venv/bin/python" -m peers --index "$work/index" --windlass "$WINDLASS" --work "$work" \
    --build "$work/build.json" --json "$work/result.json" "$@" > "$work/result.md" || status=$?
cat "$work/result.md"
exit "$status"
