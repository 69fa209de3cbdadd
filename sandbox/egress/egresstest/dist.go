package egresstest

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Wheel makes a valid pure-Python wheel of these files (path in site-packages →
// contents), with its metadata beside it. requires are requirements such as "six>=1.0".
func Wheel(name, version string, files map[string]string, requires ...string) File {
	dist := strings.ReplaceAll(normalize(name), "-", "_") + "-" + version
	info := dist + ".dist-info/"
	metadata := coreMetadata(name, version, requires)
	all := maps.Clone(files)
	if all == nil {
		all = map[string]string{}
	}
	all[info+"METADATA"] = metadata
	all[info+"WHEEL"] = "Wheel-Version: 1.0\nGenerator: vivarium\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
	all[info+"RECORD"] = record(all, info)
	return File{Name: dist + "-py3-none-any.whl", Data: zipFile(all), Metadata: []byte(metadata)}
}

// Sdist makes a source distribution of these files (path → contents), PKG-INFO added.
func Sdist(name, version string, files map[string]string) File {
	dist := strings.ReplaceAll(normalize(name), "-", "_") + "-" + version
	all := map[string]string{"PKG-INFO": coreMetadata(name, version, nil)}
	maps.Copy(all, files)
	return File{Name: dist + ".tar.gz", Data: tarFile(dist, all)}
}

func coreMetadata(name, version string, requires []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Metadata-Version: 2.1\nName: %s\nVersion: %s\n", name, version)
	for _, r := range requires {
		fmt.Fprintf(&b, "Requires-Dist: %s\n", r)
	}
	return b.String()
}

// record lists the files with their hashes and sizes, and itself without them.
func record(files map[string]string, info string) string {
	var b strings.Builder
	for _, path := range slices.Sorted(maps.Keys(files)) {
		sum := sha256.Sum256([]byte(files[path]))
		fmt.Fprintf(&b, "%s,sha256=%s,%d\n", path, base64.RawURLEncoding.EncodeToString(sum[:]), len(files[path]))
	}
	return b.String() + info + "RECORD,,\n"
}

// zipFile and tarFile write to memory, where only a programming error can fail.
func zipFile(files map[string]string) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, path := range slices.Sorted(maps.Keys(files)) {
		w, err := z.Create(path)
		must(err)
		_, err = w.Write([]byte(files[path]))
		must(err)
	}
	must(z.Close())
	return b.Bytes()
}

func tarFile(dir string, files map[string]string) []byte {
	var b bytes.Buffer
	gz := gzip.NewWriter(&b)
	t := tar.NewWriter(gz)
	for _, path := range slices.Sorted(maps.Keys(files)) {
		must(t.WriteHeader(&tar.Header{Name: dir + "/" + path, Mode: 0o644, Size: int64(len(files[path]))}))
		_, err := t.Write([]byte(files[path]))
		must(err)
	}
	must(t.Close())
	must(gz.Close())
	return b.Bytes()
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
