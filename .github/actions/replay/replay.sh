#!/usr/bin/env bash
# Runs $REPLAY_RUN, in bash that stops at the first error; on Linux with loopback alone, unless $REPLAY_NETWORK is as-it-is.
# Exits as it does; with 2 where the network cannot be taken away, and then runs nothing.
set -euo pipefail

case ${REPLAY_NETWORK:-none} in
as-it-is) alone=no ;;
none) if [ "$(uname)" = Linux ]; then alone=yes; else alone=no; fi ;;
*)
    echo "::error::network is '$REPLAY_NETWORK'; write none or as-it-is" >&2
    exit 2
    ;;
esac

if [ $alone = no ]; then
    exec bash -eo pipefail -c "$REPLAY_RUN"
fi

root=()
[ "$(id -u)" = 0 ] || root=(sudo)
if ! "${root[@]}" unshare --net true 2>/dev/null; then
    echo "::error::the network cannot be taken away here: it needs sudo or root, and in a container --cap-add SYS_ADMIN." \
        "With 'network: as-it-is' the suite runs in mode replay and keeps the network." >&2
    exit 2
fi
# as the user of the job again, with the job's whole environment, which sudo would thin out
environment=$(mktemp)
trap 'rm -f "$environment"' EXIT
export -p >"$environment"
# shellcheck disable=SC2016 # what stands in it is expanded inside
"${root[@]}" unshare --net bash -c '
    ip link set lo up &&
    exec setpriv --reuid="$1" --regid="$2" --init-groups bash -c "source \"\$1\"; exec bash -eo pipefail -c \"\$REPLAY_RUN\"" replay "$3"
' replay "$(id -u)" "$(id -g)" "$environment"
