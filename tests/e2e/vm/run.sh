#!/usr/bin/env bash
# Runs a command as root in the virtual machine that build.sh has made: on this machine's own files,
# of which it may change none, and in this folder. Output and exit code are the command's.
#
#   run.sh COMMAND [WORD ...]
#
# $VM_OUT      folder for what the command leaves in /vmrun/out (default: none is kept)
# $VM_SECONDS  until it is given up, with 124 (default: 900)
# Exit code 125: the machine itself failed; its last words are printed.
set -uo pipefail
VM=${SDCAM_VM:-${XDG_CACHE_HOME:-$HOME/.cache}/streamdiffusion-cam/vm}
RUN=$(mktemp -d "${TMPDIR:-/tmp}/sdcam-vm.XXXXXX")
trap 'rm -rf "$RUN"' EXIT
trap 'exit 130' INT TERM
mkdir -p "$RUN/share/out"

{
    echo '#!/bin/bash'
    printf 'export PATH=%q HOME=/root LANG=C.UTF-8\n' "$PATH:/usr/sbin:/sbin"
    printf 'cd %q || exit\n' "$PWD"
    printf '%q ' "$@"
} >"$RUN/share/command.sh"
cat >"$RUN/share/main.sh" <<'MAIN'
PATH=/usr/sbin:/usr/bin:/sbin:/bin
export PATH
bash /vmrun/command.sh </dev/null >"$(echo /dev/vport*p1)" 2>&1
echo $? >/vmrun/code
sync -f /vmrun/code
busybox poweroff -f
MAIN

# Emulated, the processor's clock is this machine's, and the guest must not measure it: it errs.
khz=$(awk -F: '/^cpu MHz/ {printf "%d", $2 * 1000; exit}' /proc/cpuinfo)
shared() { echo "-fsdev local,id=$1,path=$2,security_model=none,multidevs=remap$3
    -device virtio-9p-pci,fsdev=$1,mount_tag=$1"; }
# shellcheck disable=SC2046  # words on purpose
timeout "${VM_SECONDS:-900}" qemu-system-x86_64 -M q35 -accel tcg,thread=multi,tb-size=1024 \
    -cpu "${VM_CPU:-max}" -m 3G -smp 2 -nodefaults -no-user-config -display none -no-reboot \
    -kernel "$VM/vmlinux" -initrd "$VM/initrd.img" \
    -append "console=ttyS0 quiet loglevel=4 panic=-1 mitigations=off nokaslr audit=0 selinux=0 apparmor=0 \
random.trust_cpu=on tsc=reliable clocksource=tsc ${khz:+tsc_early_khz=$khz}" \
    -serial "file:$RUN/console.log" \
    $(shared host / ,readonly=on) $(shared modules "$VM/k/lib/modules" ,readonly=on) \
    $(shared run "$RUN/share" "") \
    -add-fd fd=3,set=3 -chardev file,id=out,path=/dev/fdset/3,append=on \
    -device virtio-serial-pci -device virtserialport,chardev=out,nr=1 \
    </dev/null 3>&1 >"$RUN/qemu.log" 2>&1
ended=$?
[ -n "${VM_OUT:-}" ] && mkdir -p "$VM_OUT" && cp -r "$RUN/share/out/." "$VM_OUT"
if [ -s "$RUN/share/code" ]; then
    exit "$(cat "$RUN/share/code")"
fi
if [ "$ended" = 124 ]; then
    echo "vm: not done within ${VM_SECONDS:-900} seconds" >&2
    exit 124
fi
echo "vm: the machine failed ($ended)" >&2
cat "$RUN/qemu.log" >&2
tail -40 "$RUN/console.log" >&2
exit 125
