#!/usr/bin/env bash
# Archives of the files in one folder, made with Debian's tools, into another: made/SOURCE/TOOL/VARIANT.
set -euo pipefail

content=$(realpath "$1") made=$(realpath "$2") beside=$(realpath "$(dirname "$0")")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export HOME=$work LC_ALL=C.UTF-8 TZ=UTC
unset GZIP ZIPOPT PIGZ JAVA_TOOL_OPTIONS
cd "$content"
files=(words records noise runs tiny empty)

use() { # use TOOL [PACKAGE]: what `into` names from here on is made by it
    local version
    version=$(dpkg-query -W -f '${Version}' "${2:-$1}")
    folder="$made/Debian/$1 $version"
    mkdir -p "$folder"
}
into() { printf '%s' "$folder/$1"; }
each() { # each VARIANT COMMAND…: one member for each file, one after another, the file as standard input
    local variant=$1 file
    shift
    for file in "${files[@]}"; do "$@" < "$file" > "$work/member"; cat "$work/member" >> "$folder/$variant"; done
}
tree() { # a folder with the files, for tools that take no list
    rm -rf "$work/tree"
    mkdir -p "$work/tree/files"
    cp "${files[@]}" "$work/tree/files"
}

use gzip
for level in {1..9}; do gzip -"$level" -c "${files[@]}" > "$(into "gzip -$level")"; done
gzip --rsyncable -c words records > "$(into 'gzip rsyncable')"
gzip -c large > "$(into 'gzip large')"

use pigz
for level in {1..9}; do pigz -"$level" -p 2 -c "${files[@]}" > "$(into "gzip -$level")"; done
pigz -11 -c tiny records > "$(into 'gzip -11')"
for option in -i -R -H -U -z -K '-b 32' '-p 1'; do
    # shellcheck disable=SC2086
    pigz $option -c words > "$(into "words $option")"
done

use zip
for level in {0..9}; do
    zip -q -"$level" "$work/a.zip" "${files[@]}"
    mv "$work/a.zip" "$(into "zip -$level")"
done
zip -q -fz - "${files[@]}" | cat > "$(into 'zip64 streamed')"
zip -q - - < words | cat > "$(into 'zip from stdin')"

use 7zip
for level in {1..9}; do
    7zz a -bso0 -bsp0 -tzip -mx="$level" "$work/a.zip" "${files[@]}"
    mv "$work/a.zip" "$(into "zip -mx=$level")"
    for file in words records noise; do
        7zz a -bso0 -bsp0 -tgzip -mx="$level" "$work/a.gz" "$file"
        cat "$work/a.gz" >> "$(into "gzip -mx=$level")"
        rm "$work/a.gz"
    done
done

use zopfli
for iterations in 1 5; do
    each "gzip --i$iterations" zopfli "--i$iterations" -c /dev/stdin
    zopfli "--i$iterations" --zlib -c words > "$(into "zlib --i$iterations")"
done

use advancecomp
for level in 0 1 2 3; do
    advzip -q -a -"$level" "$work/a.zip" "${files[@]}"
    mv "$work/a.zip" "$(into "zip -$level")"
done
for level in 0 1 2 3; do
    gzip -c words > "$work/words.gz"
    advdef -q -z -"$level" "$work/words.gz"
    mv "$work/words.gz" "$(into "gzip -$level")"
done

use libdeflate-tools
for level in {1..12}; do libdeflate-gzip -"$level" -c "${files[@]}" > "$(into "gzip -$level")"; done

use igzip isal
for level in {0..3}; do each "gzip -$level" igzip -"$level" -c; done
igzip -c < large > "$(into 'gzip large')"

use bsdtar libarchive-tools
for level in {1..9}; do
    bsdtar --format zip --options "zip:compression-level=$level" -cf "$(into "zip -$level")" "${files[@]}"
    bsdtar -cz --options "gzip:compression-level=$level" -f "$(into "tgz -$level")" "${files[@]}"
done
bsdtar --format zip --options zip:zip64 -cf - "${files[@]}" | cat > "$(into 'zip64 streamed')"

use busybox
each gzip busybox gzip -c
busybox tar -czf "$(into tgz)" "${files[@]}"

use minizip
for level in {0..9}; do
    minizip -o -"$level" "$work/a.zip" "${files[@]}" > /dev/null
    mv "$work/a.zip" "$(into "zip -$level")"
done

use fastjar
fastjar -cf "$(into jar)" "${files[@]}"
fastjar -0cf "$(into stored)" "${files[@]}"

use dictzip
for file in words records; do
    cp "$file" "$work/$file"
    dictzip "$work/$file"
    cat "$work/$file.dz" >> "$(into gzip)"
done

use bgzip tabix
for level in {0..9}; do each "gzip -$level" bgzip -l "$level" -c; done

use zstd
for level in {1..9}; do zstd -q --format=gzip -"$level" -c "${files[@]}" > "$(into "gzip -$level")"; done

use ziptool
for level in {1..9}; do
    add=()
    for place in "${!files[@]}"; do
        add+=(add_file "${files[place]}" "${files[place]}" 0 -1 set_file_compression "$place" deflate "$level")
    done
    ziptool -n -- "$work/a.zip" "${add[@]}"
    mv "$work/a.zip" "$(into "zip -$level")"
done

use tar
for level in {1..9}; do tar -I "gzip -$level" -cf "$(into "tgz -$level")" "${files[@]}"; done
for format in v7 ustar gnu posix; do tar --format "$format" -cz -f "$(into "tgz $format")" "${files[@]}"; done
tar -I 'pigz -p 2' -cf "$(into 'tgz pigz')" words large

use cpio
printf '%s\n' "${files[@]}" | cpio -o --quiet -H newc | gzip -9 > "$(into 'cpio.gz')"

use dpkg-deb dpkg
tree
mkdir "$work/tree/DEBIAN"
printf 'Package: made\nVersion: 1\nArchitecture: all\nMaintainer: nobody\nDescription: made\n' > "$work/tree/DEBIAN/control"
for level in {0..9}; do dpkg-deb -Zgzip -z"$level" --root-owner-group -b "$work/tree" "$(into "deb -$level")" > /dev/null; done
for strategy in filtered huffman rle fixed; do
    dpkg-deb -Zgzip -S"$strategy" --root-owner-group -b "$work/tree" "$(into "deb $strategy")" > /dev/null
done

use git
tree
git -C "$work/tree" init -q
git -C "$work/tree" add .
git -C "$work/tree" -c user.name=n -c user.email=e commit -q -m made
for level in {0..9}; do
    git -C "$work/tree" archive --format=zip -"$level" HEAD > "$(into "zip -$level")"
    git -C "$work/tree" archive --format=tar.gz -"$level" HEAD > "$(into "tgz -$level")"
done
cat "$work"/tree/.git/objects/*/* > "$(into 'loose objects')"

use perl
perl "$beside/archives.pl" core "$folder"
use Archive::Zip libarchive-zip-perl
perl "$beside/archives.pl" zip "$folder"


use optipng
for level in {1..9}; do
    optipng -quiet -force -zc "$level" -zm 8 -zs $((level % 4)) -f 0 -out "$(into "png -$level")" picture.ppm
done
picture=$(into 'png -9')

use pngcrush
for level in {1..9}; do pngcrush -q -force -l "$level" -m 1 "$picture" "$(into "png -$level")" 2> /dev/null; done

use zopflipng zopfli
zopflipng -y --iterations=2 "$picture" "$(into png)" > /dev/null

use advpng advancecomp
for level in 0 1 2 3; do
    cp "$picture" "$work/picture.png"
    advpng -q -z -"$level" "$work/picture.png"
    mv "$work/picture.png" "$(into "png -$level")"
done

folder="$made/Debian/openjdk $(java -XshowSettings:properties -version 2>&1 | sed -n 's/ *java.version = //p')"
mkdir -p "$folder"
jar -cf "$(into jar)" "${files[@]}"
jar -c0f "$(into stored)" "${files[@]}"
java "$beside/Archives.java" "$folder" "${files[@]}"
