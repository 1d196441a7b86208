//! One conversation, byte for byte the same in memory, on the readiness loop and on Tokio.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpStream},
    num::NonZeroUsize,
    thread,
    time::Duration,
};

use chat_core::{
    Answer, CloseWhen, Closed, Config, ConnId, Input, Instant, Now, Output, Pause, PeerInfo,
    Report, Request, Server, UnixMillis,
    host::{Clock, Host, Reply},
};
use runtime::{Listen, Options};

/// Who says what. After each line everybody says PING and waits for the answer, so that all that
/// the line led to has come.
const SCRIPT: &[(&str, &str)] = &[
    ("ann", "JOIN #rust"),
    ("ann", "TOPIC #rust :All about crabs"),
    ("bob", "JOIN #rust"),
    ("cat", "JOIN #RUST,#other"),
    ("ann", "PRIVMSG #rust :hello"),
    ("bob", "PRIVMSG #rust :hello back"),
    ("cat", "NOTICE #rust :noted"),
    ("cat", "TAGMSG #rust"),
    ("ann", "@+draft/reply=x PRIVMSG #rust,bob :both"),
    ("ann", "MODE #rust +o bob"),
    ("bob", "MODE #rust +v cat"),
    ("bob", "MODE #rust +kl key 10"),
    ("ann", "MODE #rust"),
    ("bob", "NAMES #rust"),
    ("cat", "WHO #rust"),
    ("cat", "WHOIS ann"),
    ("bob", "AWAY :lunch"),
    ("ann", "PRIVMSG bob :there?"),
    ("bob", "AWAY"),
    ("ann", "NICK anna"),
    ("cat", "NICK ann"),
    ("cat", "NICK bob"),
    ("bob", "KICK #rust ann :out"),
    ("cat", "JOIN #rust"),
    ("cat", "JOIN #rust key"),
    ("bob", "MODE #rust +b cat"),
    ("bob", "MODE #rust b"),
    ("bob", "MODE #rust -b cat!*@*"),
    ("ann", "INVITE ann #private"),
    ("ann", "JOIN #private"),
    ("ann", "MODE #private +is"),
    ("bob", "JOIN #private"),
    ("ann", "INVITE bob #private"),
    ("bob", "JOIN #private"),
    ("cat", "LIST"),
    ("cat", "ISON anna bob nobody"),
    ("cat", "NOSUCH command"),
    ("cat", "PRIVMSG nobody :hello"),
    ("bob", "TOPIC #private :secret"),
    ("bob", "PART #rust :enough"),
    ("ann", "@label=1 PRIVMSG #rust :labeled"),
    ("ann", "@label=2 WHOIS bob"),
    ("ann", "LUSERS"),
    ("ann", "VERSION"),
    ("ann", "TIME"),
    ("bob", "JOIN 0"),
    ("cat", "QUIT :bye"),
    ("ann", "MODE anna +iw"),
];

const CLIENTS: [(&str, &str); 3] = [
    ("ann", "message-tags server-time echo-message labeled-response batch"),
    ("bob", "multi-prefix userhost-in-names extended-join away-notify"),
    ("cat", ""),
];

/// What each client was sent.
type Streams = BTreeMap<&'static str, String>;

fn introduction(nick: &str, caps: &str) -> String {
    let caps =
        if caps.is_empty() { String::new() } else { format!("CAP REQ :{caps}\r\nCAP END\r\n") };
    format!("{caps}NICK {nick}\r\nUSER {nick} 0 * :{nick}\r\n")
}

fn config() -> Config {
    let mut config =
        Config { name: "lock.step".into(), default_channels: Vec::new(), ..Config::default() };
    config.limits = config.limits.unpaced();
    config
}

const SEED: [u8; 32] = [42; 32];
const NOW: Now = Now { mono: Instant::from_micros(5), wall: UnixMillis(1_800_000_000_000) };

/// A clock that stands.
struct Still;

impl Clock for Still {
    fn now(&self) -> Now {
        NOW
    }
}

struct Nobody;

impl Host for Nobody {
    fn ask(&mut self, _: Request, reply: Reply) {
        reply(Answer::Unavailable);
    }

    fn report(&mut self, _: &Report) {}
}

/// Says the script through `speak`, which sends to a client and returns what it was sent until a
/// line with the word.
fn perform(mut speak: impl FnMut(&'static str, &str, &str) -> String) -> Streams {
    let mut streams = Streams::new();
    for (nick, caps) in CLIENTS {
        streams.entry(nick).or_default().push_str(&speak(nick, &introduction(nick, caps), " 376 "));
    }
    let mut gone = Vec::new();
    for (step, &(who, line)) in SCRIPT.iter().enumerate() {
        let quits = line.starts_with("QUIT");
        let until = if quits { "ERROR".to_owned() } else { format!(":s{step}") };
        let barrier = if quits { String::new() } else { format!("PING s{step}\r\n") };
        streams.entry(who).or_default().push_str(&speak(
            who,
            &format!("{line}\r\n{barrier}"),
            &until,
        ));
        if quits {
            gone.push(who);
        }
        for (nick, _) in CLIENTS {
            if nick != who && !gone.contains(&nick) {
                let heard = speak(nick, &format!("PING s{step}\r\n"), &format!(":s{step}"));
                streams.entry(nick).or_default().push_str(&heard);
            }
        }
    }
    streams
}

fn in_memory() -> Streams {
    let mut server = Server::new(config(), SEED, NOW).expect("the configuration is valid");
    let mut conns: BTreeMap<&str, ConnId> = BTreeMap::new();
    let mut unread: BTreeMap<ConnId, String> = BTreeMap::new();
    perform(|nick, text, _| {
        let conn = *conns.entry(nick).or_insert_with(|| {
            let peer = PeerInfo { address: Some([127, 0, 0, 1].into()), exempt: true };
            server.open(NOW, peer).expect("there is room")
        });
        server.handle(NOW, Input::Data(conn, text.as_bytes()));
        while let Some(output) = server.poll_output() {
            match output {
                Output::Flush(conn) => {
                    let bytes: Vec<u8> =
                        server.outbox(conn).flat_map(|chunk| chunk.to_vec()).collect();
                    let text = String::from_utf8(bytes.clone()).expect("the script is UTF-8");
                    unread.entry(conn).or_default().push_str(&text);
                    server.handle(NOW, Input::Sent(conn, bytes.len(), Pause::Full));
                }
                Output::Close(conn, CloseWhen::AfterFlush | CloseWhen::Now) => {
                    server.handle(NOW, Input::Closed(conn, Closed::Asked));
                }
                _ => {}
            }
        }
        unread.remove(&conn).unwrap_or_default()
    })
}

fn on_sockets(address: SocketAddr) -> Streams {
    let mut clients: BTreeMap<&str, BufReader<TcpStream>> = BTreeMap::new();
    perform(|nick, text, until| {
        let client = clients.entry(nick).or_insert_with(|| {
            let stream = TcpStream::connect(address).expect("the server listens");
            stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a socket has a timeout");
            BufReader::new(stream)
        });
        client.get_mut().write_all(text.as_bytes()).expect("the server reads");
        let mut heard = String::new();
        loop {
            let start = heard.len();
            let bytes = client.read_line(&mut heard).expect("the server answers in time");
            assert!(bytes > 0, "{nick} was cut off after {heard}");
            if heard[start..].contains(until) {
                return heard;
            }
        }
    })
}

fn options() -> Options {
    Options {
        config: config(),
        seed: SEED,
        listen: vec!["127.0.0.1:0".parse().expect("an address")],
        clock: Box::new(Still),
        host: Box::new(Nobody),
        tape: None,
        exempt: Box::new(|_| true),
        io_threads: NonZeroUsize::MIN.saturating_add(1),
    }
}

fn on_mio() -> Streams {
    let server = runtime_mio::bind(options()).expect("it listens");
    let Listen::Tcp(address) = server.addresses()[0] else { panic!("it is TCP") };
    let handle = server.handle();
    let running = thread::spawn(move || server.run());
    let streams = on_sockets(address);
    handle.stop();
    running.join().expect("no panic").expect("it ends well");
    streams
}

fn on_tokio() -> Streams {
    let (sender, receiver) = std::sync::mpsc::channel();
    let running = thread::spawn(move || {
        let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build();
        tokio.expect("Tokio starts").block_on(async {
            let server = runtime_tokio::bind(options()).expect("it listens");
            let address = server.addresses()[0].clone();
            sender.send((address, server.handle())).expect("the test waits");
            server.run().await;
        });
    });
    let (address, handle) = receiver.recv().expect("it listens");
    let Listen::Tcp(address) = address else { panic!("it is TCP") };
    let streams = on_sockets(address);
    handle.stop();
    running.join().expect("no panic");
    streams
}

#[test]
fn the_same_script_gives_the_same_bytes_everywhere() {
    let memory = in_memory();
    assert!(SCRIPT.len() >= 40 && memory.values().all(|stream| stream.len() > 3000));
    assert_eq!(on_mio(), memory, "the readiness loop differs from memory");
    assert_eq!(on_tokio(), memory, "Tokio differs from memory");
}
