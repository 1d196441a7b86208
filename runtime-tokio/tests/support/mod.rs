//! A server in a thread of its own, and clients that speak and expect lines.
#![allow(dead_code, unreachable_pub, reason = "each test file uses a part")]

use std::{
    io::{BufRead as _, BufReader, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    num::NonZeroUsize,
    os::unix::net::UnixStream,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use chat_core::{
    Config, Instant, Limits, Now, Report, Request, UnixMillis,
    host::{Clock, Host, Reply},
};
use runtime_tokio::{Handle, Listen, Options, Server, SystemClock, bind};

/// A test that waits longer has failed. Nothing waits for it to pass.
const PATIENCE: Duration = Duration::from_secs(60);

/// A configuration without bounds on how much one may say.
pub fn talkative() -> Config {
    let limits = Limits::default().unpaced();
    Config { cloak: false, limits, ..Config::default() }
}

/// A clock that stands still until it is moved.
#[derive(Clone, Default)]
pub struct ManualClock {
    us: Arc<AtomicU64>,
    looks: Arc<AtomicU64>,
}

impl ManualClock {
    pub fn advance(&self, by: Duration) {
        self.us.fetch_add(by.as_micros() as u64, Ordering::SeqCst);
    }

    pub fn advance_to(&self, to: Instant) {
        self.us.fetch_max(to.as_micros(), Ordering::SeqCst);
    }

    /// How often somebody looked at it.
    pub fn looks(&self) -> u64 {
        self.looks.load(Ordering::SeqCst)
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Now {
        self.looks.fetch_add(1, Ordering::SeqCst);
        let us = self.us.load(Ordering::SeqCst);
        Now { mono: Instant::from_micros(us), wall: UnixMillis(1_700_000_000_000 + us / 1000) }
    }
}

/// A host that finds every password right, and remembers the reports.
#[derive(Clone, Default)]
pub struct Witness(Arc<Mutex<Vec<Report>>>);

impl Witness {
    pub fn reports(&self) -> Vec<Report> {
        self.0.lock().unwrap().clone()
    }
}

impl Host for Witness {
    fn ask(&mut self, request: Request, reply: Reply) {
        let Request::VerifyPassword { hash, password } = request else {
            return reply(chat_core::Answer::Unavailable);
        };
        // From another thread, as a real host does.
        let right = hash.as_bytes() == password;
        std::thread::spawn(move || reply(chat_core::Answer::Verified(right)));
    }

    fn report(&mut self, report: &Report) {
        self.0.lock().unwrap().push(report.clone());
    }
}

pub fn options(config: Config, listen: &[&str], clock: impl Clock + 'static) -> Options {
    Options {
        config,
        seed: [7; 32],
        listen: listen.iter().map(|address| address.parse().unwrap()).collect(),
        clock: Box::new(clock),
        host: Box::new(Witness::default()),
        tape: None,
        exempt: Box::new(|_| true),
        io_threads: NonZeroUsize::MIN,
    }
}

/// A server on the machine's own network, with a runtime and a thread of its own.
pub struct Running {
    pub addresses: Vec<Listen>,
    pub handle: Handle,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    pub fn start(config: Config) -> Self {
        Self::with(options(config, &["127.0.0.1:0"], SystemClock::new()))
    }

    pub fn with(options: Options) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let server: Server = {
            let _inside = runtime.enter();
            bind(options).unwrap()
        };
        let (addresses, handle) = (server.addresses().to_vec(), server.handle());
        let thread = Some(std::thread::spawn(move || runtime.block_on(server.run())));
        Self { addresses, handle, thread }
    }

    pub fn address(&self) -> SocketAddr {
        match &self.addresses[0] {
            Listen::Tcp(address) => *address,
            Listen::Unix(path) => panic!("{} is no TCP address", path.display()),
        }
    }

    pub fn connect(&self) -> Client {
        Client::over(TcpStream::connect(self.address()).unwrap())
    }

    /// Somebody who has registered and joined a channel.
    pub fn member(&self, nick: &str, channel: &str) -> Client {
        let mut client = self.connect();
        client.register(nick);
        client.send(&format!("JOIN {channel}"));
        client.until(" 366 ");
        client
    }

    /// Stops the server and waits for its end.
    pub fn stop(mut self) {
        self.handle.stop();
        self.join();
    }

    /// Waits for the end of a server that was stopped.
    pub fn join(&mut self) {
        self.thread.take().unwrap().join().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.handle.stop();
    }
}

/// What a client's stream must be able to do.
pub trait Wire: Read + Write + Send {
    fn twin(&self) -> Box<dyn Wire>;
    fn shut_down(&self);
}

impl Wire for TcpStream {
    fn twin(&self) -> Box<dyn Wire> {
        self.set_read_timeout(Some(PATIENCE)).unwrap();
        self.set_write_timeout(Some(PATIENCE)).unwrap();
        Box::new(self.try_clone().unwrap())
    }

    fn shut_down(&self) {
        self.shutdown(Shutdown::Write).unwrap();
    }
}

impl Wire for UnixStream {
    fn twin(&self) -> Box<dyn Wire> {
        self.set_read_timeout(Some(PATIENCE)).unwrap();
        self.set_write_timeout(Some(PATIENCE)).unwrap();
        Box::new(self.try_clone().unwrap())
    }

    fn shut_down(&self) {
        self.shutdown(Shutdown::Write).unwrap();
    }
}

/// One end of a connection, line by line.
pub struct Client {
    lines: BufReader<Box<dyn Wire>>,
    out: Box<dyn Wire>,
}

impl Client {
    pub fn over(wire: impl Wire + 'static) -> Self {
        Self { lines: BufReader::new(wire.twin()), out: Box::new(wire) }
    }

    pub fn unix(path: &Path) -> Self {
        Self::over(UnixStream::connect(path).unwrap())
    }

    pub fn send(&mut self, line: &str) {
        self.send_bytes(format!("{line}\r\n").as_bytes());
    }

    pub fn send_bytes(&mut self, bytes: &[u8]) {
        self.out.write_all(bytes).unwrap();
    }

    /// Writes from a thread of its own, for as long as the server reads.
    pub fn send_behind(&mut self, bytes: Vec<u8>) {
        let mut out = self.out.twin();
        // How far it comes is the server's choice.
        std::thread::spawn(move || drop(out.write_all(&bytes)));
    }

    pub fn finish(&self) {
        self.out.shut_down();
    }

    /// The next line; `None` at the end.
    pub fn line(&mut self) -> Option<String> {
        let mut line = Vec::new();
        self.lines.read_until(b'\n', &mut line).unwrap();
        (!line.is_empty()).then(|| String::from_utf8(line).unwrap().trim_end().to_owned())
    }

    /// The next line that contains `part`.
    pub fn until(&mut self, part: &str) -> String {
        loop {
            let line = self.line().unwrap_or_else(|| panic!("the end came before {part:?}"));
            if line.contains(part) {
                return line;
            }
        }
    }

    /// All that comes until the end.
    pub fn rest(&mut self) -> String {
        let mut rest = Vec::new();
        // A reset is an end too.
        let _ = self.lines.read_to_end(&mut rest);
        String::from_utf8(rest).unwrap()
    }

    pub fn register(&mut self, nick: &str) {
        self.send(&format!("NICK {nick}\r\nUSER {nick} 0 * :{nick}"));
        self.until(" 001 ");
        self.barrier();
    }

    /// All that was sent before has been carried out.
    pub fn barrier(&mut self) {
        self.send("PING :barrier");
        self.until("PONG");
    }
}

/// `alice` says `count` numbered lines in a channel, and `bob` hears each, in order.
pub fn chat(alice: &mut Client, bob: &mut Client, channel: &str, count: usize) {
    for number in 0..count {
        alice.send(&format!("PRIVMSG {channel} :number {number}"));
        let heard = bob.until("PRIVMSG");
        assert!(heard.ends_with(&format!(":number {number}")), "{heard}");
    }
}
