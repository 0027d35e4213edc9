#!/bin/sh
# Install, from Debian's packages, the real parts beside which the demo and the tests run. It starts none of them.
#   (no argument)  sshd, Slurm with accounting, munge, MariaDB: make demo-slurm
#   --tests        these, login shells and a browser: make test
#   --image        what builds an image: make image-test
set -eu

demo="openssh-server slurm-wlm slurmdbd slurm-wlm-mysql-plugin slurm-wlm-basic-plugins munge mariadb-server procps rsync"
tests="tcsh fish dash busybox chromium fonts-dejavu-core file bzip2 xz-utils zstd unzip"
image="buildah debootstrap"
policy=/usr/sbin/policy-rc.d

fail() {
    echo "install-real-parts: $*" >&2
    exit 1
}

wanted() {
    packages=
    [ $# -gt 0 ] || packages=$demo
    for option in "$@"; do
        case $option in
            --tests) packages="$packages $demo $tests" ;;
            --image) packages="$packages $image" ;;
            *) fail "unknown argument $option; there are --tests and --image" ;;
        esac
    done
}

is_installed() {
    [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

find_missing() {
    missing=
    for package in $packages; do
        is_installed "$package" || missing="$missing $package"
    done
}

# Packages ask this file before they start a daemon; 101 forbids it
# (https://people.debian.org/~hmh/invokerc.d-policyrc.d-specification.txt).
forbid_daemons() {
    if [ -e "$policy" ]; then
        status=0
        "$policy" ssh start >/dev/null 2>&1 || status=$?
        [ "$status" -eq 101 ] || fail "$policy lets packages start daemons: move it away while this runs"
        return
    fi
    trap 'rm -f "$policy"' EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 0755 "$policy"
}

install_packages() {
    DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install --yes --no-install-recommends "$@"
}

wanted "$@"
command -v dpkg-query >/dev/null && command -v apt-get >/dev/null || fail "the real parts come from Debian's packages: this machine has no apt"
# It replaces slurmctld for the whole machine by one that only simulates.
! is_installed slurm-wlm-emulator || fail "slurm-wlm-emulator stands in the place of Slurm: remove it first"
find_missing
[ -n "$missing" ] || exit 0
[ "$(id -u)" -eq 0 ] || fail "root is needed to install:$missing"
forbid_daemons
# shellcheck disable=SC2086 # names of packages, without blanks
install_packages $missing || {
    echo "install-real-parts: once more, with fresh lists of packages" >&2
    apt-get update
    install_packages $missing
}
find_missing
[ -z "$missing" ] || fail "still missing:$missing"
