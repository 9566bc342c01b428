// Prints the digests of klauspost's streams that the test `klauspost_at_all_levels` in ../encoder.rs compares with:
// level, whole, with flushes, of pgzip with blocks of 64 KiB. Usage: go run klauspost.go < INPUT, where INPUT is what
// that test makes, with github.com/klauspost/compress at 1.20.3 and pgzip at 1.3.0 (family Klauspost), 1.19.0 and 1.2.6
// (KlauspostEarlier), or 1.17.11 and 1.2.6 (KlauspostEarliest).
package main

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"io"
	"os"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/pgzip"
)

func digest(plain []byte, level int, flushes []int) uint64 {
	sum := fnv.New64a()
	writer, err := flate.NewWriter(sum, level)
	if err != nil {
		panic(err)
	}
	from := 0
	for _, flush := range flushes {
		writer.Write(plain[from:flush])
		writer.Flush()
		from = flush
	}
	writer.Write(plain[from:])
	writer.Close()
	return sum.Sum64()
}

func inPieces(plain []byte, level int) uint64 {
	var member bytes.Buffer
	writer, err := pgzip.NewWriterLevel(&member, level)
	if err != nil {
		panic(err)
	}
	writer.SetConcurrency(65536, 1)
	writer.Write(plain)
	writer.Close()
	sum := fnv.New64a()
	sum.Write(member.Bytes()[10 : member.Len()-8])
	return sum.Sum64()
}

func main() {
	plain, err := io.ReadAll(os.Stdin)
	if err != nil {
		panic(err)
	}
	flushes := []int{5, 50, 50, 200, 50000, 65290, 65400, 131072, 300000}
	for _, level := range []int{-2, 1, 2, 3, 4, 5, 6, 7, 8, 9} {
		whole, flushed := digest(plain, level, nil), digest(plain, level, flushes)
		fmt.Printf("    (%d, 0x%016x, 0x%016x, 0x%016x),\n", level, whole, flushed, inPieces(plain, level))
	}
}
