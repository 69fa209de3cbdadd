package debianwheels

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// write writes the wheel to the folder. The same package makes the same bytes.
func (d distribution) write(folder string) error {
	stem := strings.ReplaceAll(Normalize(d.name), "-", "_") + "-" + d.version
	info := stem + ".dist-info/"
	all := maps.Clone(d.files)
	all[info+"METADATA"] = []byte(d.metadata)
	all[info+"WHEEL"] = []byte("Wheel-Version: 1.0\nGenerator: vivarium\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
	if d.entryPoints != nil {
		all[info+"entry_points.txt"] = d.entryPoints
	}
	var archive bytes.Buffer
	z := zip.NewWriter(&archive)
	var record strings.Builder
	for _, name := range slices.Sorted(maps.Keys(all)) {
		sum := sha256.Sum256(all[name])
		fmt.Fprintf(&record, "%s,sha256=%s,%d\n", name, base64.RawURLEncoding.EncodeToString(sum[:]), len(all[name]))
		if err := put(z, name, all[name]); err != nil {
			return err
		}
	}
	record.WriteString(info + "RECORD,,\n")
	if err := put(z, info+"RECORD", []byte(record.String())); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, stem+"-py3-none-any.whl"), archive.Bytes(), 0o600)
}

func put(z *zip.Writer, name string, data []byte) error {
	w, err := z.Create(name)
	if err != nil {
		return err
	}
	_, err = w.Write(data)
	return err
}
