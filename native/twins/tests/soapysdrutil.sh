#!/bin/sh
# SoapySDRUtil against the twins: finds four, probes one, streams 20 MS/s both ways, refuses a stranger in one line.
set -u
util=$1
fail() {
  echo "$*" >&2
  exit 1
}
unset OTABENCH_TWINS
found=$("$util" --find="driver=twin" 2>&1) || fail "--find failed: $found"
[ "$(echo "$found" | grep -c 'serial = TWIN-')" -eq 4 ] || fail "not four twins: $found"
probe=$("$util" --probe="driver=twin,serial=TWIN-BASE" 2>&1) || fail "--probe failed: $probe"
for line in 'driver=twin' 'Channels: 1 Rx, 1 Tx' 'Timestamps: YES' 'Full gain range: \[0, 89.75, 0.25\] dB' \
  'Full gain range: \[0, 76, 1\] dB' 'Full freq range: \[70, 6000\] MHz' 'Sample rates: \[0.2, 61.44\] MSps'; do
  echo "$probe" | grep -q "$line" || fail "--probe has no line: $line"
done
echo "$probe" | grep -qi 'error\|warn' && fail "--probe complains: $probe"
refused=$("$util" --probe="driver=twin,serial=TWIN-NOBODY" 2>&1) && fail "an unknown serial was accepted"
echo "$refused" | grep -q 'TWIN-NOBODY' || fail "the refusal does not name the serial: $refused"
for direction in RX TX; do
  # The rate test runs until it is interrupted, prints its rate after about five seconds, and beside it "Overflows" or
  # "Underflows" if there were any.
  shown=$(timeout -s INT 6 "$util" --args="driver=twin" --rate=20e6 --direction=$direction 2>&1)
  echo "$shown" | grep -q 'MBps' || fail "$direction: no rate was shown: $shown"
  echo "$shown" | grep -qi 'flows\|unexpected\|error' && fail "$direction: it complains: $shown"
done
echo "$probe" | grep -qi 'error\|warn' && fail "--probe complains: $probe"
refused=$("$util" --probe="driver=twin,serial=TWIN-NOBODY" 2>&1) && fail "an unknown serial was accepted"
echo "$refused" | grep -q 'TWIN-NOBODY' || fail "the refusal does not name the serial: $refused"
for direction in RX TX; do
  # The rate test runs until it is interrupted. U, O and T are its letters for underflow, overflow and timeout.
  shown=$(timeout -s INT 3 "$util" --args="driver=twin" --rate=20e6 --direction=$direction 2>&1)
  echo "$shown" | grep -q 'Msps' || fail "$direction: no rate was shown: $shown"
  marks=$(echo "$shown" | tr '\r' '\n' | sed -n 's/.*Press Ctrl+C.*//; /[|\/\\-]/p' | grep -c '^[-|\/\\ ]*[UOT]' || true)
  [ "$marks" -eq 0 ] || fail "$direction: it complains: $shown"
done
echo "SoapySDRUtil is content"
