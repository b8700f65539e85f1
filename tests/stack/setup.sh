#!/usr/bin/env bash
# Makes sure the real servers of tests/stack are on this machine. Safe to repeat: what is there is left alone.
#
#   setup.sh [NAME…]               get what is missing, and wait for it
#   setup.sh --background [NAME…]  the same without waiting; a later plain call waits for it
#   setup.sh --check [NAME…]       get nothing; say what is missing
#
# NAME is kafka, influxd, prometheus, alertmanager or chromium; all of them by default.
# LEOWATCH_KAFKA (a folder of jars), LEOWATCH_INFLUXD, LEOWATCH_PROMETHEUS, LEOWATCH_ALERTMANAGER and
# LEOWATCH_CHROMIUM name installed ones; what is fetched or built is kept in LEOWATCH_CACHE (~/.cache/leowatch).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/recipes/versions.env"
cache=${LEOWATCH_CACHE:-$HOME/.cache/leowatch}
# Where people's tools are when their shell profile was not read.
PATH=$PATH:/usr/local/go/bin:/usr/lib/go/bin:$HOME/go/bin:$HOME/.cargo/bin:/usr/local/bin:/usr/local/sbin:/usr/sbin
for home in "${JAVA_HOME:-}" "${MAVEN_HOME:-}" /opt/maven /opt/*maven* /usr/lib/jvm/*; do
  if [ -d "$home/bin" ]; then PATH=$PATH:$home/bin; fi
done
export PATH

step() { printf 'stack: [%3ds] %s\n' "$SECONDS" "$*" >&2; }
have() { command -v "$1" >/dev/null 2>&1; }
# at_least WANTED FOUND: versions compared part by part.
at_least() { [ -n "$2" ] && [ "$(printf '%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]; }
first_version() { grep -oE '[0-9]+(\.[0-9]+)+' | head -n 1 || true; }

jars() { echo "${LEOWATCH_KAFKA:-$cache/kafka-$KAFKA_VERSION}"; }
influxd() { echo "${LEOWATCH_INFLUXD:-$cache/influxd-$INFLUXDB_VERSION/influxd}"; }

is_there() {
  case $1 in
    kafka) compgen -G "$(jars)/kafka_2.13-*.jar" >/dev/null && has_java ;;
    influxd) [ -x "$(influxd)" ] ;;
    prometheus) have "${LEOWATCH_PROMETHEUS:-prometheus}" ;;
    alertmanager) have "${LEOWATCH_ALERTMANAGER:-prometheus-alertmanager}" || have alertmanager ;;
    chromium) have "${LEOWATCH_CHROMIUM:-chromium}" ;;
    *) echo "stack: no server is called $1" >&2; exit 2 ;;
  esac
}

has_java() { have java && at_least 17 "$(java -version 2>&1 | first_version)"; }
has_go() { have go && at_least 1.23 "$(GOTOOLCHAIN=local go version | first_version)"; }
has_rust() { have cargo && at_least 1.72 "$(cargo --version | first_version)"; }
has_root() { have apt-get && [ "$(id -u)" = 0 ]; }

# What stands in the way of getting NAME: one line per tool, with the command that brings it.
obstacles() {
  case $1 in
    kafka)
      has_java || echo "kafka: Java 17 or newer is missing: apt-get install -y openjdk-17-jre-headless"
      compgen -G "$(jars)/kafka_2.13-*.jar" >/dev/null || have mvn || echo "kafka: Maven is missing: apt-get install -y maven (or LEOWATCH_KAFKA=a folder of Kafka's jars)" ;;
    influxd)
      has_go || echo "influxd: Go 1.23 or newer is missing: apt-get install -y -t bookworm-backports golang-go (or LEOWATCH_INFLUXD=an influxd 2.7)"
      has_rust || echo "influxd: Rust 1.72 or newer is missing: apt-get install -y rustc-web cargo-web (or LEOWATCH_INFLUXD)"
      have gcc || echo "influxd: a C compiler is missing: apt-get install -y gcc libc6-dev"
      have pkg-config || echo "influxd: pkg-config is missing: apt-get install -y pkg-config" ;;
    prometheus | alertmanager | chromium)
      has_root || echo "$1: it comes from Debian and needs root once: sudo apt-get install -y --no-install-recommends $(package "$1") (or LEOWATCH_${1^^}=its binary)" ;;
  esac
}
package() { case $1 in alertmanager) echo prometheus-alertmanager ;; *) echo "$1" ;; esac; }

get_kafka() {
  local to part; to=$(jars); part=$to.part
  rm -rf "$part"
  mvn -B -q -Dstyle.color=never -f "$here/recipes/kafka/pom.xml" -Dkafka.version="$KAFKA_VERSION" \
    dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$part"
  mv "$part" "$to"
}

get_influxd() {
  local log=$cache/influxd-build.log
  if ! "$here/recipes/get-influxd.sh" "$(influxd)" "$INFLUXDB_VERSION" "$cache/influxd-build" >"$log" 2>&1; then
    tail -n 30 "$log" >&2
    step "influxd could not be built; all it said is in $log"
    return 1
  fi
  rm -rf "$cache/influxd-build"
}

# Debian starts a service it has just installed unless a policy forbids it; the tests start their own.
get_package() {
  flock 8
  local policy=/usr/sbin/policy-rc.d ours=
  if [ ! -e "$policy" ]; then ours=1; printf '#!/bin/sh\nexit 101\n' >"$policy"; chmod +x "$policy"; fi
  local failed=0
  { apt-get -qq update \
    && DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -qq install -y --no-install-recommends \
      "$(package "$1")"; } >"$cache/apt-$1.log" 2>&1 || failed=1
  if [ -n "$ours" ]; then rm -f "$policy"; fi
  if [ $failed = 1 ]; then tail -n 20 "$cache/apt-$1.log" >&2; return 1; fi
}

# One process at a time gets one server; whoever comes second finds it there.
get() (
  exec 9>"$cache/$1.lock"
  flock -n 9 || { step "waiting for $1, which another process is getting"; flock 9; }
  if is_there "$1"; then exit 0; fi
  step "getting $1"
  case $1 in
    kafka) get_kafka ;;
    influxd) get_influxd ;;
    *) get_package "$1" 8>"$cache/apt.lock" ;;
  esac
  step "$1 is there"
)

mode=wait
case ${1:-} in --background) mode=background; shift ;; --check) mode=check; shift ;; esac
names=("$@")
if [ $# = 0 ]; then names=(influxd kafka prometheus alertmanager chromium); fi

missing=()
for name in "${names[@]}"; do if ! is_there "$name"; then missing+=("$name"); fi; done
if [ ${#missing[@]} = 0 ]; then exit 0; fi
if [ $mode = check ]; then echo "stack: missing: ${missing[*]}; tests/stack/setup.sh gets them" >&2; exit 1; fi

in_the_way=$(for name in "${missing[@]}"; do obstacles "$name"; done)
if [ -n "$in_the_way" ]; then printf 'stack: cannot get every server:\n%s\n' "$in_the_way" >&2; exit 1; fi
mkdir -p "$cache"
if [ $mode = background ]; then
  setsid nohup "$0" "${missing[@]}" >"$cache/setup.log" 2>&1 </dev/null &
  exit 0
fi

jobs=()
for name in "${missing[@]}"; do get "$name" & jobs+=($!); done
failed=0
for job in "${jobs[@]}"; do wait "$job" || failed=1; done
exit $failed
