package main

// filter are the calls that the profile refuses and that nothing else refuses on a usual kernel. Others (mount, chroot,
// kexec_load and their like) need a capability as well: "settings: the profile" and "capabilities dropped" stand for them.
var filter = []mutant{
	allowing("ptrace"),
	allowing("process_vm_readv"),
	allowing("io_uring_setup"),
	allowing("keyctl"),
	allowing("add_key"),
	allowing("unshare"),
	allowing("clone"),
	inFilter("socket families", `"value": 16,
					"op": "SCMP_CMP_EQ"`, `"value": 16,
					"op": "SCMP_CMP_GE"`, "^TestPrivileges$"),
	inFilter("32-bit calls", `"architecture": "SCMP_ARCH_X86_64",
			"subArchitectures": null`, `"architecture": "SCMP_ARCH_X86_64",
			"subArchitectures": ["SCMP_ARCH_X86"]`, "^TestPrivileges$"),
	inFilter("limits of PID 1", `"index": 2,
					"value": 0,
					"op": "SCMP_CMP_EQ"`, `"index": 2,
					"value": 0,
					"op": "SCMP_CMP_GE"`, "^TestBounds$"),
	inFilter("refusal of what is not named", `"defaultAction": "SCMP_ACT_ERRNO"`, `"defaultAction": "SCMP_ACT_ALLOW"`, "^TestPrivileges$"),
}

func inFilter(name, old, new, attacks string) mutant {
	return mutant{"filter: " + name, "sandbox/seccomp.json", old, new, attacks}
}

// allowing puts a call into the long list of those that are allowed always.
func allowing(call string) mutant {
	const first = `				"accept",
`
	return inFilter(call, first, first+"\t\t\t\t\""+call+"\",\n", "^TestPrivileges$")
}
