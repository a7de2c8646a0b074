# Sourced by make-root and make-cross-root: Debian's least and packages, no recommended ones.
# A root is made once, by one at a time, and whole.
# shellcheck shell=sh

# Prints the folder, build/roots/SUITE-NAME-..., which is made if it is not there. FOREIGN is
# another architecture that packages may be of, or "".
keep_root() # NAME FOREIGN PACKAGE...
{
    suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
    root=build/roots/$suite-$1-$(echo "$*" | md5sum | cut -c1-8)
    foreign=$2
    shift 2
    mkdir -p build/roots
    exec 9>build/roots/lock
    flock 9
    if [ ! -d "$root" ]; then
        trap 'throw_away "$root.part"' EXIT
        trap 'exit 1' INT TERM
        throw_away "$root.part"
        if ! make_root "$root.part" "$@" >"$root.log" 2>&1; then
            tail -n 5 "$root.log" >&2
            echo "$0: the root could not be made; all of it is in $root.log" >&2
            exit 1
        fi
        rm -f "$root.part"/var/cache/apt/archives/*.deb
        mv "$root.part" "$root"
    fi
    echo "$root"
}

make_root() # FOLDER PACKAGE...
{
    folder=$1
    shift
    # shellcheck disable=SC2016 # apt's own variables
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | head -n 1)
    debootstrap --variant=minbase "$suite" "$folder" "$mirror" &&
        echo force-unsafe-io >"$folder/etc/dpkg/dpkg.cfg.d/quick" &&
        { [ -z "$foreign" ] || chroot "$folder" dpkg --add-architecture "$foreign"; } &&
        chroot "$folder" apt-get -q update &&
        chroot "$folder" env DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends "$@"
}

throw_away() # FOLDER, in which debootstrap may have mounted what is not ours to remove
{
    umount "$1/proc" "$1/sys" 2>/dev/null || true
    rm -rf --one-file-system "$1"
}
