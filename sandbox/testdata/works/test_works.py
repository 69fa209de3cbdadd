"""What ordinary test suites do, and must be able to do in a sandbox."""
import asyncio
import concurrent.futures
import http.server
import multiprocessing
import multiprocessing.shared_memory
import os
import pathlib
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import tempfile
import threading
import unittest
import urllib.request
import uuid

METHODS = "fork", "spawn", "forkserver"


def double(x):
    return 2 * x


def put_all(queue, items):
    for item in items:
        queue.put(item)


def write_shared(name):
    shared = multiprocessing.shared_memory.SharedMemory(name)
    shared.buf[:5] = b"hello"
    shared.close()


class Processes(unittest.TestCase):
    def test_subprocess(self):
        done = subprocess.run(["cat"], input=b"in", capture_output=True, check=True)
        self.assertEqual(done.stdout, b"in")
        with subprocess.Popen(["sleep", "60"], start_new_session=True) as sleeper:
            os.killpg(sleeper.pid, signal.SIGTERM)
        self.assertEqual(sleeper.returncode, -signal.SIGTERM)

    def test_fork_and_wait(self):
        pid = os.fork()
        if pid == 0:
            os._exit(7)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 7)

    def test_pseudo_terminal(self):
        ours, theirs = os.openpty()
        os.write(theirs, b"x")
        self.assertEqual(os.read(ours, 1), b"x")

    def test_pool(self):
        for method in METHODS:
            with self.subTest(method), multiprocessing.get_context(method).Pool(2) as pool:
                self.assertEqual(pool.map(double, range(5)), [0, 2, 4, 6, 8])

    def test_queue(self):
        for method in METHODS:
            with self.subTest(method):
                context = multiprocessing.get_context(method)
                queue = context.Queue()
                process = context.Process(target=put_all, args=(queue, ["a", "b"]))
                process.start()
                self.assertEqual([queue.get(timeout=30), queue.get(timeout=30)], ["a", "b"])
                process.join()

    def test_shared_memory(self):
        shared = multiprocessing.shared_memory.SharedMemory(create=True, size=1 << 20)
        self.addCleanup(shared.unlink)
        self.addCleanup(shared.close)
        process = multiprocessing.get_context("fork").Process(target=write_shared, args=(shared.name,))
        process.start()
        process.join()
        self.assertEqual(bytes(shared.buf[:5]), b"hello")

    def test_manager(self):
        with multiprocessing.Manager() as manager:
            self.assertEqual(list(manager.list([1, 2])), [1, 2])

    def test_executors(self):
        for executor in concurrent.futures.ThreadPoolExecutor, concurrent.futures.ProcessPoolExecutor:
            with self.subTest(executor.__name__), executor(2) as e:
                self.assertEqual(list(e.map(double, range(3))), [0, 2, 4])

    def test_threads(self):
        seen, together = [], threading.Barrier(20)

        def run():
            together.wait(30)
            seen.append(threading.get_native_id())

        threads = [threading.Thread(target=run) for _ in range(20)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(len(set(seen)), 20)

    def test_signals_and_timers(self):
        came = []
        signal.signal(signal.SIGALRM, lambda *_: came.append(True))
        signal.setitimer(signal.ITIMER_REAL, 0.01)
        while not came:
            signal.pause()

    def test_cpus_are_counted(self):
        self.assertGreaterEqual(os.cpu_count(), 1)
        self.assertGreaterEqual(os.sysconf("SC_NPROCESSORS_CONF"), 1)
        self.assertGreater(os.sysconf("SC_PHYS_PAGES"), 0)

    def test_environment_of_its_own(self):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
            out = subprocess.check_output([f"{folder}/bin/python", "-c", "import sys; print(sys.prefix)"], text=True)
            self.assertEqual(out.strip(), folder)


class Sockets(unittest.TestCase):
    def echo(self, server, address):
        """A connection to a listening socket carries a byte there and back."""
        def serve():
            with server.accept()[0] as c:
                c.sendall(c.recv(1))

        server.listen()
        thread = threading.Thread(target=serve)
        thread.start()
        with socket.socket(server.family) as c:
            c.connect(address)
            c.sendall(b"x")
            self.assertEqual(c.recv(1), b"x")
        thread.join()

    def test_tcp(self):
        with socket.create_server(("localhost", 0)) as s:
            self.echo(s, s.getsockname())

    def test_unix(self):
        with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as s:
            s.bind(f"{folder}/s")
            self.echo(s, f"{folder}/s")

    def test_pair(self):
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.sendall(b"x")
            self.assertEqual(theirs.recv(1), b"x")

    def test_names_and_addresses(self):
        found = {(family, kind) for family, kind, *_ in socket.getaddrinfo("localhost", 80, proto=socket.IPPROTO_TCP)}
        self.assertIn((socket.AF_INET, socket.SOCK_STREAM), found)
        with self.assertRaises(socket.gaierror):
            socket.getaddrinfo("elsewhere.example", 80)
        self.assertEqual(uuid.uuid1().version, 1)

    def test_own_host_name(self):
        with socket.create_server(("127.0.0.1", 0)) as s:
            socket.create_connection((socket.gethostname(), s.getsockname()[1])).close()
        self.assertEqual(socket.gethostbyaddr("127.0.0.1")[0], "localhost")

    def test_web_server(self):
        with http.server.ThreadingHTTPServer(("localhost", 0), http.server.SimpleHTTPRequestHandler) as s:
            threading.Thread(target=s.serve_forever, daemon=True).start()
            with urllib.request.urlopen(f"http://localhost:{s.server_port}/") as answer:
                self.assertEqual(answer.status, 200)
            s.shutdown()

    def test_udp(self):
        with socket.socket(type=socket.SOCK_DGRAM) as s, socket.socket(type=socket.SOCK_DGRAM) as c:
            s.bind(("127.0.0.1", 0))
            c.sendto(b"x", s.getsockname())
            self.assertEqual(s.recv(1), b"x")

    def test_tls(self):
        here = pathlib.Path(__file__).parent
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(here / "cert.pem", here / "key.pem")
        client = ssl.create_default_context(cafile=here / "cert.pem")
        ours, theirs = socket.socketpair()

        def serve():
            with server.wrap_socket(theirs, server_side=True) as c:
                c.sendall(c.recv(1))

        thread = threading.Thread(target=serve)
        thread.start()
        with client.wrap_socket(ours, server_hostname="localhost") as c:
            c.sendall(b"x")
            self.assertEqual(c.recv(1), b"x")
            self.assertEqual(c.version(), "TLSv1.3")
        thread.join()


class Asyncio(unittest.IsolatedAsyncioTestCase):
    async def test_subprocess(self):
        p = await asyncio.create_subprocess_exec("cat", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.assertEqual((await p.communicate(b"in"))[0], b"in")

    async def test_server(self):
        async def echo(reader, writer):
            writer.write(await reader.readexactly(1))
            writer.close()

        async with await asyncio.start_server(echo, "127.0.0.1", 0) as server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            writer.write(b"x")
            self.assertEqual(await reader.read(), b"x")
            writer.close()
            await writer.wait_closed()

    async def test_thread_and_sleep(self):
        await asyncio.sleep(0.001)
        self.assertEqual(await asyncio.to_thread(double, 4), 8)


class Files(unittest.TestCase):
    def test_sqlite(self):
        with tempfile.TemporaryDirectory() as folder:
            db = sqlite3.connect(f"{folder}/db")
            db.execute("PRAGMA journal_mode=WAL")
            with db:
                db.execute("CREATE TABLE t (x)")
                db.execute("INSERT INTO t VALUES (1)")
            other = sqlite3.connect(f"{folder}/db")
            self.assertEqual(other.execute("SELECT x FROM t").fetchall(), [(1,)])
            other.close()
            db.close()

    def test_rename_from_the_temporary_folder(self):
        with tempfile.NamedTemporaryFile("w", delete=False) as f:
            f.write("x")
        os.rename(f.name, "renamed.txt")
        self.assertEqual(pathlib.Path("renamed.txt").read_text(), "x")

    def test_git(self):
        with tempfile.TemporaryDirectory() as folder:
            def git(*args):
                return subprocess.check_output(["git", "-C", folder, "-c", "user.name=a", "-c", "user.email=a@b.example", *args], text=True)

            git("init", "-q")
            git("commit", "-q", "--allow-empty", "-m", "first")
            git("clone", "-q", ".", "copy")
            self.assertEqual(git("-C", "copy", "log", "--format=%s"), "first\n")

    def test_flake8(self):
        done = subprocess.run(["python3", "-m", "flake8", "--select=F82", "-j2", "--stdin-display-name=a.py", "-"], input="x = y\n",
                              text=True, capture_output=True)
        self.assertEqual(done.stdout, "a.py:1:5: F821 undefined name 'y'\n")
