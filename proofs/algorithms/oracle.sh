#!/usr/bin/env bash
# oracle.sh - extracts the functions that the theorems are about, and makes ./oracle of them in the working directory.
# The proofs are not checked here (coqc -vos): that is check.sh. What was made of the same sources is not made again, also
# where a tampered tree is built beside the true one.
set -euo pipefail
source=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
key=$(cat "$source"/coq/*.v "$source"/oracle/*.ml "$source/oracle.sh" | sha256sum | cut -c1-16)
for made in . ../../../algorithms; do
    if [ -x "$made/oracle-$key/oracle" ]; then ln -sf "$(realpath "$made/oracle-$key/oracle")" oracle; exit; fi
done
work=oracle-$key.$$
mkdir "$work"
(
    cd "$work"
    cp "$source"/coq/*.v "$source"/oracle/*.ml .
    for module in Heap HeapLaws HeapFree Tlsf Buddy BuddyLaws Words Bins Bitmap BitmapLaws Sliding; do
        coqc -q -vos -R . Ashlar "$module.v"
    done
    coqc -q -vok -R . Ashlar Extract.v
    ocamlfind ocamlopt -w -a -o oracle extracted.mli extracted.ml lines.ml heap.ml buddy.ml bitmap.ml sliding.ml main.ml
)
mv -T "$work" "oracle-$key" 2>/dev/null || rm -rf "$work"
ln -sf "$(realpath "oracle-$key/oracle")" oracle
