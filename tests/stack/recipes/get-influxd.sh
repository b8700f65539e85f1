#!/usr/bin/env bash
# Builds a real InfluxDB 2.7 OSS server (influxd, no web UI) from published
# Go modules and Rust crates alone.  usage: get-influxd.sh OUT_BINARY VERSION WORK_DIR
# Needs: go >= 1.23, cargo >= 1.72, gcc, pkg-config (or pkgconf).  ~85 MB result.
set -euo pipefail
usage="usage: get-influxd.sh OUT_BINARY VERSION WORK_DIR"
OUT=$(realpath -m "${1:?$usage}"); VER=v${2:?$usage}; WORK=$(realpath -m "${3:?$usage}")
# Upstream's COMMON_TAGS, less "assets" (the UI, fetched from GitHub).  fipsonly: flux's own tag; all it does is
# leave out Flux's snowflake and mssql sql drivers and, with them, 156 packages (Azure, AWS SDKs, Arrow 15).
TAGS=sqlite_foreign_keys,sqlite_json,fipsonly
if [ -x "$OUT" ] && "$OUT" version 2>/dev/null | grep -q "InfluxDB $VER "; then echo "have $OUT"; exit 0; fi
step() { printf '[%4ds] %s\n' "$SECONDS" "$*" >&2; }
mkdir -p "$WORK" "$(dirname "$OUT")"
# A build cache of our own: the shared one would remember libflux's folder of an earlier build elsewhere, and fail to link.
export GOTOOLCHAIN=local GOFLAGS="${GOFLAGS:--buildvcs=false}" GOCACHE="$WORK/go-build"
moddir() { go mod download -json "$1" | sed -n 's/^[[:space:]]*"Dir": "\(.*\)",\{0,1\}$/\1/p'; }

# 1. Sources: a writable copy of each module (the module cache is read-only; as main
#    module influxdb's own go.mod/go.sum, with its replace, apply unchanged).
step "influxdb source"
cd "$WORK"
if [ ! -f influxdb/.ok ]; then
  d=$(cd / && moddir github.com/influxdata/influxdb/v2@$VER); rm -rf influxdb
  cp -r "$d" influxdb; chmod -R u+w influxdb; touch influxdb/.ok
fi
cd "$WORK/influxdb"
FLUXVER=$(go list -m -f '{{.Version}}' github.com/influxdata/flux)      # v0.196.1
step "flux source $FLUXVER"
FLUX="$WORK/flux-$FLUXVER"
if [ ! -f "$FLUX/.ok" ]; then
  d=$(moddir github.com/influxdata/flux); rm -rf "$FLUX"
  cp -r "$d" "$FLUX"; chmod -R u+w "$FLUX"
  rm -f "$FLUX/rust-toolchain.toml"               # pins rustc 1.72; builds with 1.95
  touch "$FLUX/.ok"
fi

# 2. libflux (Rust) in the background.  --cap-lints: its deny(warnings) would fail under a newer
#    rustc; LTO off: not needed for a static library and slow; opt-level 1 instead of z: quicker.
mkdir -p "$WORK/pc"
cat > "$WORK/pc/flux.pc" <<PC
prefix=$FLUX/libflux
libdir=$WORK/target/release
includedir=\${prefix}/include

Name: Flux
Version: ${FLUXVER#v}
Description: Library for the InfluxData Flux engine
Libs: -L\${libdir} -l:libflux.a -ldl -lm
Cflags: -I\${includedir}
PC
step "libflux: cargo (background, log $WORK/cargo.log)"
( cd "$FLUX/libflux"
  CARGO_TARGET_DIR="$WORK/target" CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_OPT_LEVEL=1 RUSTFLAGS="--cap-lints warn" \
    cargo rustc --release --locked -p flux --lib --crate-type staticlib ) >"$WORK/cargo.log" 2>&1 &
CARGO_PID=$!

# 3. Go: meanwhile everything that does not depend on libflux, then the rest and the link.
export PKG_CONFIG_PATH="$WORK/pc" CGO_ENABLED=1 CGO_CFLAGS="-O1"   # -O1: sqlite3.c (metadata only) compiles faster
cd "$WORK/influxdb"
step "go: fetch modules"
go list -deps -tags $TAGS -f '{{.ImportPath}} {{join .Deps " "}}' ./cmd/influxd > "$WORK/deps.txt"
step "go: packages without libflux"
grep -v 'influxdata/flux/libflux/go/libflux' "$WORK/deps.txt" | cut -d' ' -f1 | grep -v '^unsafe$' \
  | xargs go build -trimpath -tags $TAGS
step "wait for libflux"
wait $CARGO_PID || { tail -30 "$WORK/cargo.log" >&2; exit 1; }
step "go: influxd"
go build -trimpath -tags $TAGS -ldflags "-s -w -X main.version=$VER -X main.commit=gomod" -o "$OUT.tmp" ./cmd/influxd
mv "$OUT.tmp" "$OUT"
step "done: $("$OUT" version) ($(stat -c %s "$OUT") bytes)"
