package main

import "strings"

// refusal is a test of CPython, or a class of them, that exercises exactly what a sandbox refuses.
type refusal struct {
	test string // its id; a class ends with a full stop
	why  string
}

func (r refusal) matches(id string) bool {
	return r.test == id || strings.HasSuffix(r.test, ".") && strings.HasPrefix(id, r.test)
}

// Reasons that stand for several tests.
const (
	netlink = "if_nameindex asks by an AF_NETLINK socket, whose waiting messages are memory that no limit counts"
	udpLite = "UDP-Lite is no protocol of ordinary programs, and a kernel may load a module for it"
	sctp    = "the kernel loads a module for SCTP"
)

// refused is reviewed by hand. How much of it an engine's own profile lets through depends on the
// engine's version, and not every kernel has such sockets. Where both sides lack them, these tests
// are skipped on both.
var refused = []refusal{
	{"test.test_socket.LinuxKernelCryptoAPI.", "AF_ALG sockets hand a build's data to the kernel's crypto drivers"},
	{"test.test_socket.BasicVSOCKTest.", "AF_VSOCK sockets reach the host of a virtual machine"},
	{"test.test_socket.ThreadedVSOCKSocketStreamTest.", "AF_VSOCK sockets reach the host of a virtual machine"},
	{"test.test_socket.BasicCANTest.", "AF_CAN sockets are of vehicles' buses"},
	{"test.test_socket.CANTest.", "AF_CAN sockets are of vehicles' buses"},
	{"test.test_socket.ISOTPTest.", "AF_CAN sockets are of vehicles' buses"},
	{"test.test_socket.J1939Test.", "AF_CAN sockets are of vehicles' buses"},
	{"test.test_socket.BasicRDSTest.", "AF_RDS sockets are of clusters' networks"},
	{"test.test_socket.RDSTest.", "AF_RDS sockets are of clusters' networks"},
	{"test.test_socket.BasicQIPCRTRTest.", "AF_QIPCRTR sockets reach other processors of a phone"},
	{"test.test_socket.BasicBluetoothTest.", "AF_BLUETOOTH sockets reach devices nearby"},
	{"test.test_socket.GeneralModuleTests.testInterfaceNameIndex", netlink},
	{"test.test_socket.GeneralModuleTests.test_getaddrinfo_ipv6_scopeid_symbolic", netlink},
	{"test.test_socket.GeneralModuleTests.test_getnameinfo_ipv6_scopeid_symbolic", netlink},
	{"test.test_socket.BasicUDPLITETest.", udpLite},
	{"test.test_socket.UDPLITETimeoutTest.", udpLite},
	{"test.test_socket.SendmsgUDPLITETest.", udpLite},
	{"test.test_socket.RecvmsgUDPLITETest.", udpLite},
	{"test.test_socket.RecvmsgIntoUDPLITETest.", udpLite},
	{"test.test_socket.SendmsgUDPLITE6Test.", udpLite},
	{"test.test_socket.RecvmsgUDPLITE6Test.", udpLite},
	{"test.test_socket.RecvmsgIntoUDPLITE6Test.", udpLite},
	{"test.test_socket.RecvmsgRFC3542AncillaryUDPLITE6Test.", udpLite},
	{"test.test_socket.RecvmsgIntoRFC3542AncillaryUDPLITE6Test.", udpLite},
	{"test.test_socket.SendmsgSCTPStreamTest.", sctp},
	{"test.test_socket.RecvmsgSCTPStreamTest.", sctp},
	{"test.test_socket.RecvmsgIntoSCTPStreamTest.", sctp},
}

// find gives the entry of the list that a test belongs to.
func find(list []refusal, id string) (refusal, bool) {
	for _, r := range list {
		if r.matches(id) {
			return r, true
		}
	}
	return refusal{}, false
}
