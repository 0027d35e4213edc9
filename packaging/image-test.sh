#!/bin/sh
# Build the image over a base made by debootstrap, run its processes and ask their health (root on Debian).
# Everything it makes lies in a folder of its own, which goes at the end; only the base is kept, in .cache/. The
# processes share this machine's network and process table (chroot isolation), not its files and users.
set -eu
cd "$(dirname "$0")/.."

release=$(. /etc/os-release && echo "$VERSION_CODENAME")
base=.cache/image-base-$release.tar
include=python3,python3-venv,ca-certificates
certificates=/etc/ssl/certs/ca-certificates.crt
image=localhost/firecrest-gql
python=.venv/bin/python
patience=60
user=10001:10001
work=
groups=

fail() {
    echo "image-test: $*" >&2
    for log in "$work"/*.log; do
        [ ! -s "$log" ] || { echo "--- $(basename "$log")" && tail -n 30 "$log"; } >&2
    done
    exit 1
}

clean_up() {
    for group in $groups; do
        kill -- "-$group" 2>/dev/null || true
    done
    for group in $groups; do
        wait "$group" 2>/dev/null || true
    done
    if [ -n "$work" ]; then
        $engine rm --all >/dev/null 2>&1 || true
        umount "$work/storage/overlay" 2>/dev/null || true
        rm -rf "$work"
    fi
}

# In a session of its own, so that its whole group can be ended.
start() {
    log=$work/$1.log
    shift
    setsid "$@" >"$log" 2>&1 &
    groups="$groups $!"
}

mirror() {
    # shellcheck disable=SC2016 # apt replaces these
    apt-get indextargets --format '$(ORIGIN) $(CODENAME) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' |
        awk -v release="$release" '$1 == "Debian" && $2 == release && $3 == "main" {print $4; exit}'
}

make_base() {
    [ ! -s "$base" ] || return 0
    address=$(mirror)
    [ -n "$address" ] || fail "apt names no mirror of Debian $release"
    echo "image-test: making the base, once"
    debootstrap --variant=minbase --include="$include" "$release" "$work/base" "$address" >"$work/debootstrap.log" 2>&1 ||
        fail "debootstrap failed"
    rm -rf "$work/base/var/cache/apt/archives" "$work/base/var/lib/apt/lists"
    mkdir -p .cache
    tar --create --directory "$work/base" --numeric-owner --exclude=./dev --exclude=./proc --exclude=./sys --file "$base.new" .
    mv "$base.new" "$base"
    rm -rf "$work/base"
}

import_base() {
    container=$($engine from scratch)
    $engine add --quiet "$container" "$base" / >/dev/null
    $engine commit --quiet "$container" localhost/base >/dev/null
    $engine rm "$container" >/dev/null
}

# What this machine's pip needs to reach its index; nothing of it stays in the image.
pip_secrets() {
    index=$("$python" -m pip config get global.index-url 2>/dev/null || true)
    {
        echo '[global]'
        [ ! -r "$certificates" ] || echo 'cert = /run/secrets/certificates'
        [ -z "$index" ] || echo "index-url = $index"
    } >"$work/pip.conf"
    cat "$certificates" >"$work/certificates" 2>/dev/null || : >"$work/certificates"
}

build_image() {
    $engine bud --isolation chroot --pull-never --format docker --build-arg BASE=localhost/base \
        --secret "id=pip.conf,src=$work/pip.conf" --secret "id=certificates,src=$work/certificates" \
        --tag "$image" . >"$work/build.log" 2>&1 || fail "the image was not built"
}

free_port() {
    "$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# What a container is given: a folder that its user alone reads.
write_settings() {
    mkdir "$work/settings"
    ssh-keygen -q -t ed25519 -N '' -C '' -f "$work/host_key"
    cat >"$work/settings/firecrest.yaml" <<YAML
identity: {issuer: "http://127.0.0.1:$(free_port)", audience: firecrest}
redis_url: redis://:$password@127.0.0.1:$redis_port/0
authority:
  socket: /run/firecrest-gql/signer.sock
  ca_key_file: /run/firecrest-gql/ca_key
  seal_key_file: /run/firecrest-gql/seal_key
server: {port: $port}
systems:
  - name: nowhere
    login_nodes: [{host: 127.0.0.1, port: $(free_port)}]
    host_keys: ["$(cat "$work/host_key.pub")"]
    delegation: {source_addresses: [127.0.0.1/32]}
    scheduler: {kind: slurm}
YAML
    chown -R "$user" "$work/settings"
    chmod -R go= "$work/settings"
}

start_valkey() {
    program=$("$python" -c 'from firecrest_gql.demo.valkey import server_program; print(server_program())')
    (umask 077 && printf 'bind 127.0.0.1\nport %s\nrequirepass %s\nsave ""\ndir %s\n' "$redis_port" "$password" "$work" >"$work/valkey.conf")
    start valkey "$program" "$work/valkey.conf"
}

answer() {
    "$python" -c 'import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1], timeout=5).read().decode())' \
        "http://127.0.0.1:$port/$1" 2>>"$work/answers.log"
}

# Ask until the answer has the word, or the patience ends.
await() {
    until=$(($(date +%s) + patience))
    while ! answer "$1" >"$work/answer" || ! grep -q "$2" "$work/answer"; do
        [ "$(date +%s)" -lt "$until" ] || fail "/$1 did not answer $2 within $patience s: $(cat "$work/answer")"
        sleep 0.2
    done
}

start_processes() {
    container=$($engine from --pull-never "$image")
    run="$engine run --isolation chroot --volume $work/settings:/etc/firecrest:ro $container --"
    for process in signer worker serve; do
        $run firecrest-gql "$process" --help >/dev/null 2>"$work/help.log" || fail "$process --help failed"
    done
    ! $run python3 /opt/firecrest-gql/health.py 2>/dev/null || fail "the health check passes where nothing runs"
    for process in signer worker serve; do
        # shellcheck disable=SC2086 # a command and its arguments, without blanks in any
        start "$process" $run firecrest-gql "$process"
    done
}

says() {
    said=$($engine inspect --type image --format "{{.Docker.Config.$1}}" "$image")
    [ "$said" = "$2" ] || fail "the image's $1 is $said instead of $2"
}

# The health check sees only processes of its own user: found, they do not run as root.
check_health() {
    [ "$($run id -u)" = "${user%:*}" ] || fail "the image runs as another user than ${user%:*}"
    $run python3 /opt/firecrest-gql/health.py || fail "the health check fails beside a serve that answers"
    ! $run sh -c 'command -v cc gcc' >/dev/null 2>&1 || fail "the image has a compiler"
}

[ "$(id -u)" -eq 0 ] || fail "root is needed"
[ -s playground/dist/index.html ] || fail "the playground is not built: make setup"
trap clean_up EXIT
trap 'exit 130' INT TERM HUP
work=$(mktemp -d /tmp/firecrest-image-XXXXXX)
engine="buildah --root $work/storage --runroot $work/run --storage-driver overlay"
password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
port=$(free_port)
redis_port=$(free_port)
make_base
import_base
pip_secrets
build_image
says Entrypoint '[firecrest-gql]'
says Cmd '[serve]'
says User "$user"
write_settings
start_valkey
start_processes
await livez '"HEALTHY"'
await readyz '"workers":"HEALTHY"'
await readyz '"signer":"HEALTHY"'
await '' '</html>'
check_health
size=$($engine images --format '{{.Size}}' "$image")
echo "image-test: passed: $image ($size) serves as user ${user%:*}, with the playground, healthy beside a worker and a signer of the same image"
