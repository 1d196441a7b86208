//! A whole server on plain threads and blocking sockets: each connection has a thread that reads,
//! and whoever has news for the core locks it. `cargo run -p chat-core --example threads [ADDRESS]`
// A host has clocks, and here no thread panics while it holds the lock.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, clippy::unwrap_used)]

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant, SystemTime};
use std::{collections::BTreeMap, fs::File, thread};

use chat_core::{CloseWhen, Closed, Config, ConnId, Input, Now, Output, Pause, PeerInfo};

struct Host {
    core: chat_core::Server,
    peers: BTreeMap<ConnId, Peer>,
    start: Instant,
}

struct Peer {
    stream: TcpStream,
    wanted: bool,
    closing: bool,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listener = TcpListener::bind(std::env::args().nth(1).unwrap_or("127.0.0.1:6667".into()))?;
    println!("listening on {}", listener.local_addr()?);
    let (start, mut seed) = (Instant::now(), [0; 32]);
    File::open("/dev/urandom")?.read_exact(&mut seed)?;
    let core = chat_core::Server::new(Config::default(), seed, now(start))?;
    let host = Host { core, peers: BTreeMap::new(), start };
    let (host, changed) = &*Box::leak(Box::new((Mutex::new(host), Condvar::new())));
    thread::spawn(|| keep_time(host, changed));
    for stream in listener.incoming().flatten() {
        thread::spawn(|| serve(stream, host, changed));
    }
    Ok(())
}

/// Tells the core what is due, and tries full sockets again: nobody says when they have room.
fn keep_time(host: &Mutex<Host>, changed: &Condvar) {
    let mut host = host.lock().unwrap();
    loop {
        let has_rest = |conn: &ConnId| host.core.outbox(*conn).next().is_some();
        let blocked: Vec<_> = host.peers.keys().copied().filter(has_rest).collect();
        let most = Duration::from_millis(if blocked.is_empty() { 60_000 } else { 20 });
        let due = host.core.poll_timeout().map_or(most, |at| at.since(now(host.start).mono));
        host = changed.wait_timeout(host, due.min(most)).unwrap().0;
        blocked.into_iter().for_each(|conn| host.flush(conn));
        host.turn(Input::Timeout);
        changed.notify_all();
    }
}

/// Reads from one connection while the core wants it, until it is closed.
fn serve(mut stream: TcpStream, host: &Mutex<Host>, changed: &Condvar) -> io::Result<()> {
    let info = PeerInfo { address: Some(stream.peer_addr()?.ip()), exempt: false };
    stream.set_write_timeout(Some(Duration::from_millis(1)))?;
    let writer = stream.try_clone()?;
    let mut guard = host.lock().unwrap();
    let at = now(guard.start);
    let conn = match guard.core.open(at, info) {
        Ok(conn) => conn,
        Err(refused) => return stream.write_all(&refused.line),
    };
    let peer = Peer { stream: writer, wanted: true, closing: false };
    guard.peers.insert(conn, peer);
    let mut buffer = [0; 16 << 10];
    loop {
        changed.notify_all();
        let waits = |host: &mut Host| host.peers.get(&conn).is_some_and(|peer| !peer.wanted);
        drop(changed.wait_while(guard, waits).unwrap());
        // What can't be read from has ended, whatever the reason.
        let bytes = stream.read(&mut buffer).map_or(&[][..], |length| &buffer[..length]);
        guard = host.lock().unwrap();
        let Some(peer) = guard.peers.get_mut(&conn) else { return Ok(()) };
        peer.wanted &= !bytes.is_empty();
        match (peer.closing, bytes) {
            (false, []) => guard.turn(Input::Eof(conn)),
            (false, _) => guard.turn(Input::Data(conn, bytes)),
            (true, []) => guard.close(conn),
            (true, _) => {}
        }
    }
}

impl Host {
    fn turn(&mut self, input: Input<'_>) {
        self.core.handle(now(self.start), input);
        while let Some(output) = self.core.poll_output() {
            match output {
                Output::Flush(conn) => self.flush(conn),
                Output::SetRead(conn, on) => {
                    self.peers.entry(conn).and_modify(|peer| peer.wanted = on);
                }
                Output::Close(conn, CloseWhen::Now) => self.close(conn),
                Output::Close(conn, CloseWhen::AfterFlush) => {
                    self.peers.entry(conn).and_modify(|peer| peer.closing = true);
                    self.end_if_sent(conn);
                }
                // Without passwords in the configuration, nothing is asked.
                Output::Ask(..) | Output::Cancel(_) | Output::Report(_) | Output::Stopped => {}
            }
        }
    }

    fn flush(&mut self, conn: ConnId) {
        let Some(peer) = self.peers.get_mut(&conn) else { return };
        let bytes: Vec<u8> = self.core.outbox(conn).flat_map(|chunk| chunk.to_vec()).collect();
        let sent = peer.stream.write(&bytes).unwrap_or(0);
        self.core.handle(now(self.start), Input::Sent(conn, sent, Pause::Full));
        self.end_if_sent(conn);
    }

    /// Says goodbye to a closing connection once all is sent; its reader waits for the peer's own.
    fn end_if_sent(&mut self, conn: ConnId) {
        let Some(peer) = self.peers.get_mut(&conn).filter(|peer| peer.closing) else { return };
        if self.core.outbox(conn).next().is_none() {
            peer.wanted = true;
            let _ = peer.stream.shutdown(Shutdown::Write);
        }
    }

    fn close(&mut self, conn: ConnId) {
        if let Some(peer) = self.peers.remove(&conn) {
            let _ = peer.stream.shutdown(Shutdown::Both);
            self.core.handle(now(self.start), Input::Closed(conn, Closed::Asked));
        }
    }
}

fn now(start: Instant) -> Now {
    let wall = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |time| time.as_millis() as u64);
    let mono = chat_core::Instant::ZERO.after(start.elapsed());
    Now { mono, wall: chat_core::UnixMillis(wall) }
}
