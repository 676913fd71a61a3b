#!/bin/sh
# node-gyp for prebuildify, which calls it with `rebuild` and options: compiles what changed instead.
shift
exec node-gyp configure build "$@"
