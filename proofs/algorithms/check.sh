#!/usr/bin/env bash
# check.sh NAME MODULES... - compiles these files of coq/ in their order, in a folder of their own, and asks what their
# theorems assume, all of them together: they must be "Closed under the global context". Ends with 1 if one is not.
set -euo pipefail
source=$(cd "$(dirname "${BASH_SOURCE[0]}")/coq" && pwd)
folder=theorems-$1
shift
rm -rf "$folder"
mkdir -p "$folder"
cd "$folder"
for module in "$@"; do
    cp "$source/$module.v" .
    coqc -q -R . Ashlar "$module.v" >"$module.log" 2>&1 || { cat "$module.log"; echo "$module.v does not hold"; exit 1; }
done
theorems=$(for module in "$@"; do sed -nE "s/^ *Theorem +([A-Za-z0-9_']+).*/$module.\1/p" "$module.v"; done)
number=$(wc -w <<<"$theorems")
{
    printf 'From Ashlar Require %s.\n' "$*"
    sed -e '1s/^/Definition all := (/; $s/$/)./; $!s/$/,/' <<<"$theorems"
    echo 'Print Assumptions all.'
} >Assumptions.v
coqc -q -R . Ashlar Assumptions.v >Assumptions.log 2>&1 || { cat Assumptions.log; exit 1; }
if [ "$number" = 0 ] || [ "$(cat Assumptions.log)" != 'Closed under the global context' ]; then
    cat Assumptions.log
    echo "not all of these $number theorems stand without assumptions"
    exit 1
fi
echo "result: $number theorems, no axioms"
