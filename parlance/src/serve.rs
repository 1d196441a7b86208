//! `parlance serve`: a server, from its configuration to its end.

use std::{
    fs,
    io::{self, Write as _},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener},
    num::{NonZeroU8, NonZeroUsize},
    path::{Path, PathBuf},
    sync::Arc,
    thread,
};

use chat_core::{Config, host::Tape};
use clap::Args;
use runtime::{Error, Handle, Listen, Options, SystemClock};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ},
    iterator::Signals,
};
use tracing::{error, info, warn};

use crate::{
    Failure,
    files::{Files, read_bans},
    host::ServeHost,
    logging::{Log, LogFormat},
    password::Verifier,
    settings::{Runtime, Settings, default_listen},
    tape::FileTape,
};

/// Arguments of `parlance serve`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ServeArgs {
    /// What drives the sockets; wins over the configuration [default: tokio]
    #[arg(long, value_enum)]
    runtime: Option<Runtime>,
    /// Threads that read and write sockets; wins over the configuration [default: as many as there are
    /// processors]
    #[arg(long, value_name = "N")]
    io_threads: Option<NonZeroU8>,
    /// Where to listen: 127.0.0.1:6667, [::1]:6667 or unix:PATH, and port 0 for a free one; repeat it
    /// for more; wins over the configuration [default: 127.0.0.1:6667 and [::1]:6667]
    #[allow(rustdoc::broken_intra_doc_links, reason = "[::1] is an address, and --help shows it")]
    #[arg(long, value_name = "ADDR")]
    listen: Vec<Listen>,
    /// Configuration, as 'parlance config example' prints it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Record the run into a new file, for 'parlance replay'; it holds all that people write, and
    /// their passwords
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// How the log on standard error looks
    #[arg(long, value_enum, default_value_t)]
    log: LogFormat,
}

const EXAMPLES: &str = "\
Examples:
  parlance serve                              on this machine's loopback addresses
  parlance serve --listen 127.0.0.1:0         on a free port; it says which
  parlance serve --listen 0.0.0.0:6667        for everybody who reaches this machine, in the clear
  parlance serve --config parlance.toml       see 'parlance config example'
  parlance serve --record run.rec             then: parlance replay run.rec

SIGINT and SIGTERM tell everybody, send what waits (drain_s is the most it may take) and stop.
SIGHUP, or REHASH from an operator, reads the configuration again; if it is wrong, nothing changes.";

/// Serves until a signal comes.
///
/// # Errors
/// What kept the server from starting, or from going on.
pub(crate) fn run(args: ServeArgs) -> Result<(), Failure> {
    let file = args.config.as_deref().map(ConfigFile::open).transpose()?.map(Arc::new);
    let settings =
        args.win_over(file.as_ref().map(|file| file.settings.clone()).unwrap_or_default());
    let _log = Log::start(args.log).map_err(|error| Failure::io("start the log", &error))?;
    let signals = Signals::new([SIGINT, SIGTERM, SIGHUP, SIGXFSZ])
        .map_err(|error| Failure::io("listen for signals", &error))?;
    allow_all_descriptors();
    let verifier =
        Verifier::start().map_err(|error| Failure::io("start the password threads", &error))?;
    if let Some(path) = &settings.bans_file {
        read_bans(path)?;
    }
    let files = Files::start(file.clone(), settings.bans_file)
        .map_err(|error| Failure::io("start the thread for files", &error))?;
    let mut seed = [0; 32];
    getrandom::fill(&mut seed)
        .map_err(|error| Failure::new(format!("cannot get randomness from the system: {error}")))?;
    let tape = args.record.as_deref().map(tape).transpose()?;
    let exempt = settings.exempt;
    let plan = Plan {
        signals,
        file,
        record: args.record,
        options: Options {
            config: settings.config,
            seed,
            listen: reachable(settings.listen),
            clock: Box::new(SystemClock::new()),
            host: Box::new(ServeHost::new(verifier, files)),
            tape,
            exempt: Box::new(move |peer| {
                peer.is_none_or(|address| exempt.iter().any(|network| network.contains(address)))
            }),
            io_threads: settings.io_threads.map_or_else(processors, NonZeroUsize::from),
        },
    };
    match settings.runtime {
        Runtime::Mio => plan.run_on_mio(),
        Runtime::Tokio => plan.run_on_tokio(),
    }
}

impl ServeArgs {
    fn win_over(&self, mut settings: Settings) -> Settings {
        if !self.listen.is_empty() {
            settings.listen.clone_from(&self.listen);
        }
        settings.runtime = self.runtime.unwrap_or(settings.runtime);
        settings.io_threads = self.io_threads.or(settings.io_threads);
        settings
    }
}

/// A server to be, whatever drives it.
struct Plan {
    signals: Signals,
    file: Option<Arc<ConfigFile>>,
    record: Option<PathBuf>,
    options: Options,
}

impl Plan {
    fn run_on_mio(self) -> Result<(), Failure> {
        let server = runtime_mio::bind(self.options)
            .map_err(|why| not_started(&why, self.record.as_deref()))?;
        obey(self.signals, server.handle(), self.file)?;
        announce(server.addresses());
        server.run().map_err(|why| Failure::new(why.to_string()))
    }

    fn run_on_tokio(self) -> Result<(), Failure> {
        let tokio = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()
            .map_err(|error| Failure::io("start Tokio", &error))?;
        tokio.block_on(async {
            let server = runtime_tokio::bind(self.options)
                .map_err(|why| not_started(&why, self.record.as_deref()))?;
            obey(self.signals, server.handle(), self.file)?;
            announce(server.addresses());
            server.run().await;
            Ok(())
        })
    }
}

/// A recording of nothing would be in the way of the next start.
fn not_started(why: &Error, record: Option<&Path>) -> Failure {
    if let Some(record) = record {
        let _ = fs::remove_file(record);
    }
    Failure::new(why.to_string())
}

/// Carries out signals on a thread of its own.
fn obey(
    mut signals: Signals,
    server: Handle,
    file: Option<Arc<ConfigFile>>,
) -> Result<(), Failure> {
    let obey = move || {
        for signal in &mut signals {
            match &file {
                // A file can't grow: whoever writes it is told, and goes on.
                _ if signal == SIGXFSZ => {}
                _ if signal != SIGHUP => {
                    info!("stopping");
                    server.stop();
                }
                Some(file) => match file.read() {
                    Ok(config) => server.reload(config),
                    Err(why) => error!("the old configuration stays: {why}"),
                },
                None => warn!("there is no configuration to read again: start with --config FILE"),
            }
        }
    };
    let started = thread::Builder::new().name("signals".into()).spawn(obey);
    started.map(drop).map_err(|error| Failure::io("start the signal thread", &error))
}

/// The configuration file, and what it said when the server started.
pub(crate) struct ConfigFile {
    path: PathBuf,
    settings: Settings,
}

impl ConfigFile {
    fn open(path: &Path) -> Result<Self, Failure> {
        Ok(Self { path: path.into(), settings: Settings::load(path)? })
    }

    /// What it says now.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn read(&self) -> Result<Config, Failure> {
        let settings = Settings::load(&self.path)?;
        let keys = self.settings.fixed_keys_changed(&settings);
        if !keys.is_empty() {
            warn!(keys = keys.join(", "), "these keys wait for a restart");
        }
        let keep_bans = self.settings.config.keep_bans;
        Ok(Config { keep_bans, ..settings.config })
    }
}

/// Says where the server listens, and how to get there.
fn announce(addresses: &[Listen]) {
    let mut text = String::new();
    for address in addresses {
        info!(%address, "listening");
        text += &format!("listening on {address}\n");
    }
    let tcp = addresses.iter().find_map(|address| match address {
        Listen::Tcp(address) => Some(*address),
        Listen::Unix(_) => None,
    });
    if let Some(mut address) = tcp {
        match address.ip() {
            IpAddr::V4(Ipv4Addr::UNSPECIFIED) => address.set_ip(Ipv4Addr::LOCALHOST.into()),
            IpAddr::V6(Ipv6Addr::UNSPECIFIED) => address.set_ip(Ipv6Addr::LOCALHOST.into()),
            _ => {}
        }
        let (host, port) = (address.ip(), address.port());
        text +=
            &format!("connect with: parlance connect {address}, or: irssi -c {host} -p {port}\n");
    }
    // Nobody may read it; the server serves all the same.
    let mut out = io::stdout();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Leaves the second default address out where it can't be had: not every machine has IPv6.
fn reachable(mut listen: Vec<Listen>) -> Vec<Listen> {
    if listen == default_listen()
        && let Some(Listen::Tcp(second)) = listen.last()
        && let Err(why) = TcpListener::bind(second)
    {
        warn!("not listening on {second}: {why}");
        listen.pop();
    }
    listen
}

fn tape(path: &Path) -> Result<Box<dyn Tape>, Failure> {
    match FileTape::create(path) {
        Ok(tape) => Ok(Box::new(tape)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(Failure::new(format!(
            "{} is there already: remove it, or record into a new file",
            path.display()
        ))),
        Err(error) => Err(Failure::io(format_args!("record into {}", path.display()), &error)),
    }
}

/// How many processors this process may use.
fn processors() -> NonZeroUsize {
    thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

/// Every connection is a descriptor: take as many as this process may have.
fn allow_all_descriptors() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current != maximum
        && let Err(why) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })
    {
        warn!("the limit of open files stays at {current:?}: {why}");
    }
}
