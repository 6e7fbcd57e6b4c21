#!/bin/bash
# check.sh MODEL [-DNAME...] - searches every interleaving of a Promela model, in the folder that it is called from.
# Ends with 0 when there is no error and the search was complete, 1 after an error, whose trail it prints, and 3 where the
# search was cut short: then nothing is known.
set -euo pipefail
model=$(readlink -f "$1"); shift
name=$(basename "$model" .pml)
folder=$(mktemp -d "$PWD/$name.XXXXXX")
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cp "$model" .  # the trail is written beside it
model=$name.pml
spin "$@" -a "$model" >spin.log 2>&1 || { cat spin.log; exit 2; }
gcc -O1 -w -DSAFETY -DCOLLAPSE -DNOFAIR -DMEMLIM=2500 -o pan pan.c
./pan -m1000000 >pan.log 2>&1 || true
errors=$(sed -n 's/.*errors: \([0-9]*\).*/\1/p' pan.log)
[ -n "$errors" ] || { cat pan.log; exit 3; }
if [ "$errors" != 0 ]; then
    grep -m1 '^pan:' pan.log
    spin "$@" -t -p -g "$model" 2>&1 | grep -v '^Starting' | tail -60
    exit 1
fi
if grep -qE 'Search not completed|max search depth too small|out of memory|memory limit' pan.log; then cat pan.log; exit 3; fi
states=$(sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' pan.log)
printf "result: %.0f states\n" "$states"
