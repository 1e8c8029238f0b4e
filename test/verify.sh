#!/usr/bin/env bash
# README's second command: from a clone with Node and npm to a full test run and one summary. Goes through every step
# even when one fails; exits with 0 only if all succeed.
#
#   npm run verify                  installs what is missing (Debian, apt-get; root or sudo), then all steps
#   VERIFY_INSTALL=0 npm run verify  installs nothing; what needs an absent server is skipped, with the reason printed
set -u -o pipefail
cd "$(dirname "$0")/.." || exit 2

# The real servers that tests start, as separate processes on loopback; clients that log in, zone signers and
# validators, and a browser for the page.
packages=(prosody prosody-modules lua-unbound ejabberd nsd unbound ldnsutils libunbound8 go-sendxmpp python3-slixmpp python3-pyasn1-modules python3-cryptography openssl chromium)
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT

# Debian starts a server when it installs it; not while policy-rc.d returns 101.
apt_install() {
  local sudo='' policy=/usr/sbin/policy-rc.d placed=0 result
  if [ "$(id -u)" -ne 0 ]; then sudo=sudo; fi
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | $sudo tee "$policy" >/dev/null && $sudo chmod 755 "$policy" && placed=1
  fi
  $sudo apt-get update -qq &&
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" </dev/null
  result=$?
  if [ "$placed" = 1 ]; then $sudo rm -f "$policy"; fi
  return $result
}

install_servers() {
  local absent=()
  for package in "${packages[@]}"; do
    dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || absent+=("$package")
  done
  if [ ${#absent[@]} -eq 0 ]; then return 0; fi
  if ! command -v apt-get >/dev/null; then
    echo "no apt-get here: install ${absent[*]} as this system does it, or set VERIFY_INSTALL=0 to skip what needs them"
    return 1
  fi
  if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null; then
    echo "not root, and no sudo: have somebody run  apt-get install ${absent[*]}"
    return 1
  fi
  apt_install "${absent[@]}"
}

install_modules() {
  # npm writes the hidden lock file last: if it exists and is newer than ours, the folder is complete.
  if [ node_modules/.package-lock.json -nt package-lock.json ]; then return 0; fi
  npm ci --no-audit --no-fund
}

names=() verdicts=() failures=0 passed=0 failed=0 skipped=0

# step NAME COMMAND...: prints the command's output, keeps it for the counts, and records how it ended.
step() {
  local name=$1 began=$SECONDS verdict=ok log
  shift
  printf '\n== %s\n' "$name"
  log="$logs/${#names[@]}"
  if ! "$@" 2>&1 </dev/null | tee "$log"; then
    verdict=FAILED
    failures=$((failures + 1))
  fi
  names+=("$name")
  verdicts+=("$verdict $((SECONDS - began))")
  passed=$((passed + $(count pass "$log")))
  failed=$((failed + $(count fail "$log") + $(count cancelled "$log")))
  skipped=$((skipped + $(count skipped "$log")))
}

# A line of the closing summary of node's test runner: "ℹ pass 12".
count() {
  sed -n "s/^[^a-z]* $1 \([0-9][0-9]*\)\$/\1/p" "$2" | awk '{ sum += $1 } END { print sum + 0 }'
}

if [ "${VERIFY_INSTALL:-1}" != 0 ]; then
  export REQUIRE_SERVERS=1 # a missing server is now a failure, not a reason to skip
  step 'install servers (apt-get)' install_servers
fi
step 'install modules (npm ci)' install_modules
step 'build' npm run --silent build
step 'types' npm run --silent types
step 'format' npm run --silent format:check
step 'lint' npm run --silent lint
step 'tests' npm run --silent test
step 'tests against real servers' npm run --silent test:interop
step 'tests of the package and the examples' npm run --silent test:package
step 'demo' node dist/src/cli/main.js demo

printf '\n== summary\n'
for i in "${!names[@]}"; do
  read -r verdict seconds <<<"${verdicts[$i]}"
  printf '%-40s %-6s %4s s\n' "${names[$i]}" "$verdict" "$seconds"
done
printf '\n%s passed, %s failed, %s skipped\n' "$passed" "$failed" "$skipped"
[ "$failures" -eq 0 ]
