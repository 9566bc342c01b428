// Prints the digests of Go's streams that the test `go_at_all_levels` in ../encoder.rs compares with.
// Usage: go run flate.go < INPUT, where INPUT is what that test makes. Same result with Go 1.19 and 1.26.
package main

import (
	"compress/flate"
	"fmt"
	"hash/fnv"
	"io"
	"os"
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

func main() {
	plain, err := io.ReadAll(os.Stdin)
	if err != nil {
		panic(err)
	}
	flushes := []int{5, 50, 50, 200, 50000, 65290, 65400, 131072, 300000}
	for _, level := range []int{-2, 1, 2, 3, 4, 5, 6, 7, 8, 9} {
		fmt.Printf("    (%d, 0x%016x, 0x%016x),\n", level, digest(plain, level, nil), digest(plain, level, flushes))
	}
}
