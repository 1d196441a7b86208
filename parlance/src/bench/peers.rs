//! Servers that a comparison starts itself: throttles off, a port and a directory of their own.

use std::{
    fs::{self, File},
    io::{self, BufRead as _, BufReader},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use super::{error::BenchError, process::Process};

/// How to start one server.
#[derive(Clone, Debug)]
pub(crate) struct Recipe {
    /// Its name in the table.
    pub(crate) name: String,
    /// What to run.
    pub(crate) kind: Kind,
}

/// The kinds of server that can be started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A program and its arguments, which prints `listening on ADDRESS` on standard output.
    Announcing(Vec<String>),
    /// Ours, with these arguments of `parlance serve`.
    Ours(Vec<String>),
    /// InspIRCd 3 or 4.
    InspIrcd,
    /// ngIRCd 26 or later, which can do without penalties.
    NgIrcd,
}

/// A server that runs until this is dropped.
#[derive(Debug)]
pub(crate) struct Peer {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    child: Child,
    // Removed after the child has ended.
    directory: Directory,
}

impl Recipe {
    /// How many clients may come at the same time: a short backlog turns away those who are more.
    pub(super) fn wave(&self) -> usize {
        match self.kind {
            Kind::NgIrcd => 64,
            _ => usize::MAX,
        }
    }

    /// Starts the server on the processors of this thread, and waits until it takes connections.
    ///
    /// # Errors
    /// If it cannot be run, ends at once, or is not ready within `timeout`.
    pub(crate) fn start(&self, timeout: Duration) -> Result<Peer, BenchError> {
        self.try_start(timeout)
            .map_err(|error| BenchError::Start { name: self.name.clone(), why: error.to_string() })
    }

    fn try_start(&self, timeout: Duration) -> io::Result<Peer> {
        let directory = Directory::create()?;
        let (mut command, address) = match &self.kind {
            Kind::Announcing(words) => {
                let (program, arguments) =
                    words.split_first().ok_or(io::ErrorKind::InvalidInput)?;
                let mut command = Command::new(program);
                command.args(arguments);
                (command, None)
            }
            Kind::Ours(arguments) => {
                let mut command = Command::new(std::env::current_exe()?);
                command.args(["serve", "--listen", "127.0.0.1:0"]).args(arguments);
                if !arguments.iter().any(|argument| argument == "--config") {
                    command.arg("--config").arg(directory.write("server.toml", OUR_CONFIG)?);
                }
                (command, None)
            }
            Kind::InspIrcd => {
                let program = installed("inspircd")?;
                let address = free_address()?;
                let config = directory
                    .write("inspircd.conf", &inspircd_config(address, directory.path()))?;
                let mut command = Command::new(program);
                command.args(["--nofork", "--nopid", "--runasroot", "--config"]).arg(config);
                (command, Some(address))
            }
            Kind::NgIrcd => {
                let program = installed("ngircd")?;
                let address = free_address()?;
                let config = directory.write("ngircd.conf", &ngircd_config(address))?;
                let mut command = Command::new(program);
                command.args(["--nodaemon", "--config"]).arg(config);
                (command, Some(address))
            }
        };
        let log = directory.path().join(LOG);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(File::create(&log)?);
        let mut child = command.spawn()?;
        let ready = Ready { child: &mut child, until: Instant::now() + timeout };
        let found = match address {
            Some(address) => ready.accepting(address),
            None => ready.announced(),
        };
        // Made before the error goes up, so that the child ends in any case.
        let peer = |address| Peer { address, child, directory };
        match found {
            Ok(address) => Ok(peer(address)),
            Err(error) => {
                let said = said(&log);
                drop(peer((Ipv4Addr::LOCALHOST, 0).into()));
                Err(io::Error::other(format!("{error}; it said: {said}")))
            }
        }
    }
}

impl Peer {
    /// The server's process.
    ///
    /// # Errors
    /// If it has ended.
    pub(crate) fn process(&self) -> Result<Process, BenchError> {
        let pid = self.child.id();
        Process::find(pid).map_err(|error| BenchError::Process { pid, error })
    }

    /// How it ended and what it said, if it has ended.
    pub(super) fn ended(&mut self) -> Option<String> {
        // A process that was just ended by its own fault may not be known as such yet.
        let until = Instant::now() + RETRY;
        loop {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Some(format!("{status}; it said: {}", said(&self.log())));
            }
            if Instant::now() >= until {
                return None;
            }
            thread::sleep(RETRY / 10);
        }
    }

    /// The file that its standard error goes to.
    pub(crate) fn log(&self) -> PathBuf {
        self.directory.path().join(LOG)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It has nothing to save; an error means that it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waiting for a server that has just been started.
struct Ready<'a> {
    child: &'a mut Child,
    until: Instant,
}

impl Ready<'_> {
    /// Waits until the address can be connected to.
    fn accepting(self, address: SocketAddr) -> io::Result<SocketAddr> {
        if let Some(stdout) = self.child.stdout.take() {
            thread::spawn(move || discard(stdout));
        }
        while TcpStream::connect(address).is_err() {
            if let Some(status) = self.child.try_wait()? {
                return Err(io::Error::other(format!("it ended with {status}")));
            }
            if Instant::now() >= self.until {
                return Err(io::ErrorKind::TimedOut.into());
            }
            thread::sleep(RETRY);
        }
        Ok(address)
    }

    /// Waits for the line that tells the address.
    fn announced(self) -> io::Result<SocketAddr> {
        let stdout = self.child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let (tell, told) = mpsc::channel();
        thread::spawn(move || {
            let mut lines = BufReader::new(stdout);
            let mut line = String::new();
            while lines.read_line(&mut line).is_ok_and(|length| length > 0) {
                if let Some(address) = announced_address(&line) {
                    // Nobody listens any more when the time is up.
                    let _ = tell.send(address);
                    return discard(lines.into_inner());
                }
                line.clear();
            }
        });
        let left = self.until.saturating_duration_since(Instant::now());
        told.recv_timeout(left).map_err(|error| match error {
            RecvTimeoutError::Timeout => io::ErrorKind::TimedOut.into(),
            RecvTimeoutError::Disconnected => {
                io::Error::other("it ended without saying where it listens")
            }
        })
    }
}

/// A directory for the files of one server, removed when dropped.
#[derive(Debug)]
pub(crate) struct Directory(PathBuf);

impl Directory {
    /// A new one.
    ///
    /// # Errors
    /// If the system refuses.
    pub(crate) fn create() -> io::Result<Self> {
        for attempt in 0..100 {
            let name = format!("parlance-bench-{}-{attempt}", std::process::id());
            let path = std::env::temp_dir().join(name);
            match fs::create_dir(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                created => return created.map(|()| Self(path)),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a file in it, and says where that is.
    ///
    /// # Errors
    /// If the system refuses.
    pub(crate) fn write(&self, name: &str, text: &str) -> io::Result<PathBuf> {
        let path = self.0.join(name);
        fs::write(&path, text)?;
        Ok(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Where a program is installed. Servers are often where only the administrator looks.
fn installed(name: &str) -> io::Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders =
        std::env::split_paths(&path).chain(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from));
    let mut programs = folders.map(|folder| folder.join(name));
    let missing = || io::Error::other(format!("it is not installed; apt-get install {name}"));
    programs.find(|program| program.is_file()).ok_or_else(missing)
}

/// The last lines of a log, as one.
fn said(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.trim().lines().collect();
    let last = lines.get(lines.len().saturating_sub(LOG_LINES)..).unwrap_or_default();
    if last.is_empty() { "nothing".to_owned() } else { last.join(" / ") }
}

/// How much of what a server said is told when it ends.
const LOG_LINES: usize = 3;

/// What our own servers are configured with: nothing that holds a load back.
const OUR_CONFIG: &str = include_str!("server.toml");

/// The file in a server's directory that its standard error goes to.
const LOG: &str = "stderr";

/// The pause between two attempts to reach a server that is starting.
const RETRY: Duration = Duration::from_millis(20);

/// The address in a line such as `listening on 127.0.0.1:6667`.
fn announced_address(line: &str) -> Option<SocketAddr> {
    line.trim().strip_prefix("listening on ")?.split(' ').next()?.parse().ok()
}

/// Keeps a pipe empty, so that the server never waits for us to read what it prints.
fn discard(mut stdout: ChildStdout) {
    let _ = io::copy(&mut stdout, &mut io::sink());
}

/// A port that was free a moment ago.
fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

fn inspircd_config(address: SocketAddr, directory: &Path) -> String {
    let (ip, port, directory) = (address.ip(), address.port(), directory.display());
    format!(
        r#"<config format="xml">
<server name="bench.test" description="bench" network="bench" id="001">
<admin name="bench" nick="bench" email="bench@bench.test">
<bind address="{ip}" port="{port}" type="clients">
<connect name="load" allow="*" timeout="120" pingfreq="120" threshold="1000000000" commandrate="1000000000"
    fakelag="no" hardsendq="64M" softsendq="32M" recvq="1M" localmax="1000000" globalmax="1000000"
    limit="1000000" maxconnwarn="no" resolvehostnames="no" useident="no" maxchans="20">
<performance somaxconn="1024" softlimit="1000000">
<module name="cap"><module name="ircv3"><module name="ircv3_accounttag"><module name="ircv3_batch"><module name="ircv3_chghost">
<module name="ircv3_ctctags"><module name="ircv3_echomessage"><module name="ircv3_invitenotify">
<module name="ircv3_labeledresponse"><module name="ircv3_msgid"><module name="ircv3_servertime"><module name="namesx">
<log method="file" target="{directory}/inspircd.log" level="default" type="*">
"#
    )
}

fn ngircd_config(address: SocketAddr) -> String {
    let (ip, port) = (address.ip(), address.port());
    format!(
        "[Global]\nName = bench.test\nInfo = bench\nAdminInfo1 = bench\nListen = {ip}\nPorts = {port}\n\
         [Limits]\nMaxConnections = 0\nMaxConnectionsIP = 0\nMaxJoins = 0\nMaxPenaltyTime = 0\nPingTimeout = 120\n\
         [Options]\nDNS = no\nIdent = no\nPAM = no\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_found_in_the_announcement() {
        let address = announced_address("listening on 127.0.0.1:4711\n");
        assert_eq!(address, Some((Ipv4Addr::LOCALHOST, 4711).into()));
        assert_eq!(announced_address("listening on nothing"), None);
        assert_eq!(announced_address("pid 12"), None);
    }

    #[test]
    fn a_server_that_ends_at_once_is_an_error_that_says_so() {
        let recipe = Recipe { name: "true".into(), kind: Kind::Announcing(vec!["true".into()]) };
        let error = recipe.start(Duration::from_secs(10)).map(|peer| peer.address);
        let error = error.expect_err("it never listens").to_string();
        assert!(error.starts_with("cannot start true: it ended without saying"), "{error}");
    }
}
