package sandbox

import (
	"math/bits"
	"slices"
	"testing"

	"github.com/moby/profiles/seccomp"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// socketCalls make sockets. Family, type and protocol are their first three arguments.
var socketCalls = []string{"socket", "socketpair"}

// sockets are those that a build gets. Every other is refused as if the kernel did not have its
// family. Above all this leaves out
//   - AF_NETLINK, whose waiting messages are kernel memory that no cgroup counts: one process
//     in 256 MiB held 1.6 GiB of the machine's. It tells the machine's device events, too;
//   - protocols that make the kernel load a module when they are asked for: SCTP, L2TP, SMC
//     (256), MPTCP, UDP-Lite.
var sockets = []struct {
	family    uint64
	kind      uint64
	protocols []uint64
}{
	{unix.AF_UNIX, unix.SOCK_STREAM, []uint64{0}},
	{unix.AF_UNIX, unix.SOCK_DGRAM, []uint64{0}},
	{unix.AF_UNIX, unix.SOCK_SEQPACKET, []uint64{0}},
	{unix.AF_INET, unix.SOCK_STREAM, []uint64{0, unix.IPPROTO_TCP}},
	{unix.AF_INET, unix.SOCK_DGRAM, []uint64{0, unix.IPPROTO_UDP}},
	{unix.AF_INET6, unix.SOCK_STREAM, []uint64{0, unix.IPPROTO_TCP}},
	{unix.AF_INET6, unix.SOCK_DGRAM, []uint64{0, unix.IPPROTO_UDP}},
}

// kindMask are the bits of a socket's type that are no flags.
const kindMask = ^uint64(unix.SOCK_NONBLOCK | unix.SOCK_CLOEXEC)

// maxKind is SOCK_TYPE_MASK (linux/net.h). The kernel refuses a type with further bits, and
// the profile does so by its default.
const maxKind = 15

// socketRules allow the sockets of the list, and refuse every other by its family, else by its
// type, else by its protocol. So no two rules that fit one call disagree.
func socketRules() []*seccomp.Syscall {
	var families []uint64
	kinds := map[uint64][]uint64{} // by family
	for _, s := range sockets {
		families = append(families, s.family)
		kinds[s.family] = append(kinds[s.family], s.kind)
	}
	families = slices.Compact(families)
	var allowed, refused []*seccomp.Syscall
	for _, other := range anyBut(0, families) {
		refused = append(refused, refuse("another family", unix.EAFNOSUPPORT, socketCalls, other))
	}
	for _, family := range families {
		for kind := range uint64(maxKind + 1) {
			if !slices.Contains(kinds[family], kind) {
				refused = append(refused,
					refuse("another type", unix.EAFNOSUPPORT, socketCalls, is(0, family), isMasked(1, kindMask, kind)))
			}
		}
	}
	for _, s := range sockets {
		family, kind := is(0, s.family), isMasked(1, kindMask, s.kind)
		for _, protocol := range s.protocols {
			allowed = append(allowed, allow("", socketCalls, family, kind, is(2, protocol)))
		}
		for _, other := range anyBut(2, s.protocols) {
			refused = append(refused, refuse("another protocol", unix.EAFNOSUPPORT, socketCalls, family, kind, other))
		}
	}
	return append(allowed, refused...)
}

// anyBut returns conditions that hold for every value but the given ones: one for values above them
// all, one for values with a bit that none of them has, and one for each that is left.
func anyBut(arg uint, values []uint64) []specs.LinuxSeccompArg {
	most, all := slices.Max(values), uint64(0)
	for _, v := range values {
		all |= v
	}
	conditions := []specs.LinuxSeccompArg{isAbove(arg, most)}
	var foreign uint64 // bits that none of the values has
	for i := range bits.Len64(most) {
		if bit := uint64(1) << i; all&bit == 0 {
			foreign |= bit
			conditions = append(conditions, hasBit(arg, bit))
		}
	}
	for v := range most {
		if v&foreign == 0 && !slices.Contains(values, v) {
			conditions = append(conditions, is(arg, v))
		}
	}
	return conditions
}

func TestProfileJudgesSocketsByFamilyTypeAndProtocol(t *testing.T) {
	p := loadProfile(t)
	open := map[[3]uint64]bool{}
	for _, s := range sockets {
		for _, protocol := range s.protocols {
			open[[3]uint64{s.family, s.kind, protocol}] = true
		}
	}
	for _, call := range socketCalls {
		p := only(p, call)
		for family := range uint64(64) {
			for kind := range uint64(maxKind + 1) {
				for protocol := range uint64(300) {
					want := unix.EAFNOSUPPORT
					if open[[3]uint64{family, kind, protocol}] {
						want = 0
					}
					for _, flags := range []uint64{0, unix.SOCK_CLOEXEC, unix.SOCK_CLOEXEC | unix.SOCK_NONBLOCK} {
						if got := decide(p, call, family, kind|flags, protocol); got != want {
							t.Fatalf("%s(%d, %d|%#x, %d): %v, want %v", call, family, kind, flags, protocol, got, want)
						}
					}
				}
			}
		}
	}
}

// TestProfileRefusesSocketsThatWereSeenToHarm names the sockets that the table above keeps away.
func TestProfileRefusesSocketsThatWereSeenToHarm(t *testing.T) {
	const smc, mptcp, highBit = 256, 262, 1 << 32
	for what, args := range map[string][]uint64{
		"netlink":                    {unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_ROUTE},
		"SCTP":                       {unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_SCTP},
		"SCTP of its own type":       {unix.AF_INET, unix.SOCK_SEQPACKET, unix.IPPROTO_SCTP},
		"UDP-Lite":                   {unix.AF_INET6, unix.SOCK_DGRAM, unix.IPPROTO_UDPLITE},
		"L2TP":                       {unix.AF_INET, unix.SOCK_DGRAM, unix.IPPROTO_L2TP},
		"DCCP":                       {unix.AF_INET, unix.SOCK_DCCP, unix.IPPROTO_DCCP},
		"SMC":                        {unix.AF_INET, unix.SOCK_STREAM, smc},
		"MPTCP":                      {unix.AF_INET, unix.SOCK_STREAM, mptcp},
		"ping":                       {unix.AF_INET, unix.SOCK_DGRAM, unix.IPPROTO_ICMP},
		"ping of version 6":          {unix.AF_INET6, unix.SOCK_DGRAM, unix.IPPROTO_ICMPV6},
		"raw":                        {unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_RAW},
		"packets":                    {unix.AF_PACKET, unix.SOCK_DGRAM, 0},
		"a family with a higher bit": {unix.AF_INET | highBit, unix.SOCK_STREAM, 0},
		"a protocol that is -1":      {unix.AF_INET, unix.SOCK_STREAM, ^uint64(0)},
	} {
		for _, call := range socketCalls {
			if got := decide(loadProfile(t), call, args...); got != unix.EAFNOSUPPORT {
				t.Errorf("%s by %s: %v, want %v", what, call, got, unix.EAFNOSUPPORT)
			}
		}
	}
	if got := decide(loadProfile(t), "socket", unix.AF_INET, unix.SOCK_STREAM|1<<20, 0); got == 0 {
		t.Error("a type with a bit that means nothing is allowed")
	}
}
