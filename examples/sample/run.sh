#!/bin/sh
# The sample of `./dev run`: the system's python3, unmodified, works through 7 MB of JSON, a month at a time.
# PYTHONMALLOC=malloc makes every object of Python a block of the malloc; otherwise Python keeps small ones to itself.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
data=${ASHLAR_SAMPLE_DATA:-$here/../../out/sample}
python=/usr/bin/python3
[ -x "$python" ] || python=python3
# Written once, under another name until it is whole. PYTHONMALLOC is not set yet: making the data is not the sample.
[ -f "$data/orders-12.json" ] || "$python" -B "$here/make_data.py" "$data"
PYTHONMALLOC=malloc PYTHONHASHSEED=0 exec "$python" -B "$here/work.py" "$data"
