#!/usr/bin/env bash
# Makes a virtual machine for driver tests from Debian packages: a stock kernel with its modules,
# v4l2loopback built for it, and an initramfs that hands over to this machine's own files.
#
#   build.sh          into $SDCAM_VM, by default ~/.cache/streamdiffusion-cam/vm (470 MB)
#
# $SDCAM_LOOPBACK: the folder of another v4l2loopback's sources, in place of Debian's.
# What was built is kept; a change of this file or of init builds it anew.
set -euo pipefail
VM=${SDCAM_VM:-${XDG_CACHE_HOME:-$HOME/.cache}/streamdiffusion-cam/vm}
# What the initramfs loads before it can mount anything; what they need in turn is added.
BOOT_MODULES="virtio_pci virtio_console 9pnet_virtio 9p overlay"
PROGRAMS="qemu-system-x86_64:qemu-system-x86 gcc-12:gcc-12 make:make cpio:cpio busybox:busybox-static
    modprobe:kmod apt-get:apt dpkg-deb:dpkg chromium:chromium"

main() {
    PATH=$PATH:/usr/sbin:/sbin
    install_programs
    made_by=$(cat "$0" "$(dirname "$0")/init" <(echo "${SDCAM_LOOPBACK:-}") | sha256sum)
    if [ "$(cat "$VM/made-by" 2>/dev/null)" = "$made_by" ]; then
        say "kept: $VM"
        return
    fi
    [ ! -e "$VM" ] || [ -e "$VM/made-by" ] || fail "$VM is no folder of mine; move it, or set SDCAM_VM"
    rm -rf "$VM" && mkdir -p "$VM/debs" && : >"$VM/made-by"
    unpack_kernel
    unwrap_kernel
    build_loopback
    build_initramfs
    rm -rf "$VM/debs" "$K/usr"
    echo "$KERNEL" >"$VM/kernel"
    echo "$made_by" >"$VM/made-by"
    say "made: $VM ($(du -sh "$VM" | cut -f1))"
}

say() { echo "vm: $*" >&2; }
fail() { say "$*" && exit 1; }

install_programs() {
    local missing=() pair
    for pair in $PROGRAMS; do
        command -v "${pair%%:*}" >/dev/null || missing+=("${pair##*:}")
    done
    [ ${#missing[@]} != 0 ] || return 0
    if [ "$(id -u)" != 0 ]; then
        say "missing: sudo apt-get install --no-install-recommends ${missing[*]}"
        exit 3
    fi
    say "installing ${missing[*]}"
    update_lists
    DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "${missing[@]}" >/dev/null ||
        fail "apt-get cannot install ${missing[*]}; what it says is above"
}

update_lists() { apt-get update -q >/dev/null || fail "apt-get cannot update its lists; what it says is above"; }

unpack_kernel() {
    [ "$(id -u)" != 0 ] || update_lists
    KERNEL=$(apt-cache depends linux-image-amd64 2>/dev/null | sed -n 's/.*Depends: linux-image-//p' | head -1) || true
    [ -n "$KERNEL" ] || fail "apt knows no linux-image-amd64: this needs Debian, on x86-64"
    local release=${KERNEL%-amd64} deb
    K=$VM/k
    say "kernel $KERNEL: downloading"
    (cd "$VM/debs" && apt-get -qq -o APT::Sandbox::User=root download "linux-image-$KERNEL" \
        "linux-headers-$KERNEL" "linux-headers-$release-common" "linux-kbuild-${release%.*}" v4l2loopback-dkms) ||
        fail "apt-get cannot download the kernel; what it says is above"
    for deb in "$VM"/debs/*.deb; do
        dpkg-deb -x "$deb" "$K"
    done
}

# The uncompressed kernel boots directly: an emulated machine takes seconds to unpack it.
unwrap_kernel() {
    python3 - "$K/boot/vmlinuz-$KERNEL" "$VM/vmlinux" <<'PY'
import lzma, pathlib, sys
data = pathlib.Path(sys.argv[1]).read_bytes()
start = data.find(b"\xfd7zXZ\0")
while start >= 0:
    try:
        kernel = lzma.LZMADecompressor().decompress(data[start:])
    except lzma.LZMAError:
        kernel = b""
    if kernel.startswith(b"\x7fELF"):
        sys.exit(pathlib.Path(sys.argv[2]).write_bytes(kernel) == 0)
    start = data.find(b"\xfd7zXZ\0", start + 1)
sys.exit("there is no kernel in " + sys.argv[1])
PY
}

build_loopback() {
    local headers=$K/usr/src/linux-headers-$KERNEL
    local sources=${SDCAM_LOOPBACK:-$(echo "$K"/usr/src/v4l2loopback-*)}
    say "building $(basename "$sources")"
    sed -i "s#/usr/src/#$K/usr/src/#" "$headers/Makefile"
    cp -r "$sources" "$VM/v4l2loopback"
    make -s -C "$headers" M="$VM/v4l2loopback" modules >"$VM/loopback.log" 2>&1 || {
        tail -30 "$VM/loopback.log" >&2
        exit 1
    }
    rm -f "$K/lib/modules/$KERNEL"/{build,source}
    install -D -m644 "$VM/v4l2loopback/v4l2loopback.ko" "$K/lib/modules/$KERNEL/extra/v4l2loopback.ko"
    rm -rf "$VM/v4l2loopback"
    depmod -b "$K" "$KERNEL"
}

build_initramfs() {
    local root=$VM/initramfs module file
    mkdir -p "$root"/{bin,modules,proc,sys,dev,lower,upper,root}
    cp "$(command -v busybox)" "$root/bin/busybox"
    install -m755 "$(dirname "$0")/init" "$root/init"
    for module in $BOOT_MODULES; do
        modprobe -d "$K" -S "$KERNEL" --show-depends "$module" | awk '$1 == "insmod" {print $2}'
    done | awk '!seen[$0]++' | while read -r file; do
        cp "$file" "$root/modules/"
        basename "$file" >>"$root/modules/order"
    done
    (cd "$root" && find . | sort | cpio -o -H newc --quiet | gzip -6) >"$VM/initrd.img"
    rm -rf "$root"
}

main "$@"
