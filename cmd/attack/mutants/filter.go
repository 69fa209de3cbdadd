package main

import (
	"fmt"
	"strings"
)

// filter are the calls that the profile refuses and that nothing else refuses on a usual kernel.
// Others (mount, chroot, kexec_load and their like) need a capability as well: the mutants
// "settings: the profile" and "capabilities dropped" stand for them.
var filter = []mutant{
	allowing("ptrace"),
	allowing("process_vm_readv"),
	allowing("io_uring_setup"),
	allowing("keyctl"),
	allowing("add_key"),
	allowing("unshare"),
	allowing("clone"),
	// Families above AF_INET6, such as netlink; SOCK_DCCP; protocols above TCP and UDP, such as
	// SCTP; ICMP.
	letting("socket families", 97, condition{0, 10, -1, "GT"}),
	letting("socket types", 97, condition{0, 2, -1, "EQ"}, condition{1, anyFlags, 6, "MASKED_EQ"}),
	letting("protocols in place of TCP", 97, condition{0, 2, -1, "EQ"}, condition{1, anyFlags, 1, "MASKED_EQ"},
		condition{2, 6, -1, "GT"}),
	// UDP-Lite has no mutant: 136 is refused as a number above 17 and by its bit 8, and each of the
	// two rules alone keeps it out.
	letting("ping", 97, condition{0, 2, -1, "EQ"}, condition{1, anyFlags, 2, "MASKED_EQ"}, condition{2, 1, -1, "EQ"}),
	inFilter("asynchronous I/O", `"io_pgetevents_time64"
			],
			"action": "SCMP_ACT_ERRNO",
			"errnoRet": 38,`, `"io_pgetevents_time64"
			],
			"action": "SCMP_ACT_ALLOW",`, "^TestPrivileges$"),
	letting("filters of sockets", 1, condition{1, low, 1, "MASKED_EQ"}, condition{2, low, 26, "MASKED_EQ"}),
	letting("filters of ports", 1, condition{1, low, 1, "MASKED_EQ"}, condition{2, low, 51, "MASKED_EQ"}),
	letting("filters by prctl", 22, condition{0, low, 22, "MASKED_EQ"}),
	inFilter("filters by seccomp", `"seccomp"
			],
			"action": "SCMP_ACT_ERRNO",
			"errnoRet": 38,`, `"seccomp"
			],
			"action": "SCMP_ACT_ALLOW",`, "^TestPrivileges$"),
	letting("huge pages", 12, condition{3, 0x40000, 0x40000, "MASKED_EQ"}),
	letting("files of huge pages", 12, condition{1, 4, 4, "MASKED_EQ"}),
	// Shared memory of huge pages has none either: the kernel gives it to CAP_IPC_LOCK alone.
	noticedBy("^TestBounds$", letting("core files stay off, by prlimit", 0, condition{0, 0, -1, "EQ"},
		condition{1, 4, -1, "EQ"}, condition{2, 0, -1, "GT"})),
	inFilter("core files stay off, by setrlimit", `"setrlimit"
			],
			"action": "SCMP_ACT_ERRNO",
			"errnoRet": 0,`, `"setrlimit"
			],
			"action": "SCMP_ACT_ALLOW",`, "^TestBounds$"),
	// 32-bit calls have no mutant: runc refuses to start a sandbox whose profile names their architecture
	// beside the rules for sockets. That the attack notices them shows with no filter at all.
	inFilter("limits of PID 1", `"index": 2,
					"value": 0,
					"op": "SCMP_CMP_EQ"
				}
			],
			"comment": "only reading"`, `"index": 2,
					"value": 0,
					"op": "SCMP_CMP_GE"
				}
			],
			"comment": "only reading"`, "^TestBounds$"),
	inFilter("refusal of what is not named", `"defaultAction": "SCMP_ACT_ERRNO"`, `"defaultAction": "SCMP_ACT_ALLOW"`,
		"^TestPrivileges$"),
}

func inFilter(name, old, new, attacks string) mutant {
	return mutant{"filter: " + name, "sandbox/seccomp.json", old, new, attacks}
}

// allowing adds a call to the long list of those that are always allowed.
func allowing(call string) mutant {
	const first = `				"accept",
`
	return inFilter(call, first, first+"\t\t\t\t\""+call+"\",\n", "^TestPrivileges$")
}

// anyFlags is the mask of a socket's type without its flags.
const anyFlags uint64 = 18446744073709025279

// low is the mask of an argument that is an int.
const low uint64 = 1<<32 - 1

// condition is a condition on an argument, as the profile writes it. A negative two is left out.
type condition struct {
	index int
	value uint64
	two   int
	op    string
}

func (c condition) String() string {
	two := ""
	if c.two >= 0 {
		two = fmt.Sprintf("\t\t\t\t\t\"valueTwo\": %d,\n", c.two)
	}
	return fmt.Sprintf(
		"\t\t\t\t{\n\t\t\t\t\t\"index\": %d,\n\t\t\t\t\t\"value\": %d,\n%s\t\t\t\t\t\"op\": \"SCMP_CMP_%s\"\n"+
			"\t\t\t\t}", c.index, c.value, two, c.op)
}

// letting turns the rule that refuses under these conditions into one that allows.
func letting(name string, errno int, conditions ...condition) mutant {
	var texts []string
	for _, c := range conditions {
		texts = append(texts, c.String())
	}
	args := "\n\t\t\t\"args\": [\n" + strings.Join(texts, ",\n") + "\n\t\t\t]"
	return inFilter(name, fmt.Sprintf("\"action\": \"SCMP_ACT_ERRNO\",\n\t\t\t\"errnoRet\": %d,%s", errno, args),
		"\"action\": \"SCMP_ACT_ALLOW\","+args, "^TestPrivileges$")
}

// noticedBy is m with other attacks that are there for it.
func noticedBy(attacks string, m mutant) mutant {
	m.attacks = attacks
	return m
}
