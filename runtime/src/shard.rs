//! The connections that one I/O thread at a time reads and writes, as a part of a turn.

use std::{collections::VecDeque, mem};

use chat_core::{ConnId, Pause, Server};

use crate::{
    peer::{Peer, Room, WRITE_MAX},
    socket::{ReadEnd, Socket},
};

/// Bytes that one read takes at the most.
pub(crate) const READ_MAX: usize = 16 << 10;
/// Peers whose room is never given back.
const PEERS_KEEP: usize = 64;

/// Every so many-th connection, by index.
pub(crate) struct Shard<S> {
    /// How many shards there are.
    shards: usize,
    /// By index, divided by the number of shards.
    peers: Vec<Option<Peer<S>>>,
    /// Peers that may have something to read, by index.
    ready: VecDeque<usize>,
    /// Of these, those that are told all.
    leaving: VecDeque<usize>,
    /// What the turn's reads brought, one behind the other.
    buffer: Box<[u8]>,
    reads: Vec<Read>,
    gathered: Vec<u8>,
    writes: Vec<Write>,
}

/// What a read brought.
pub(crate) struct Read {
    pub(crate) conn: ConnId,
    pub(crate) len: usize,
    pub(crate) end: ReadEnd,
    /// Our side is shut down: nobody wants the bytes.
    pub(crate) shut: bool,
}

/// An outbox to be written, and what came of it.
pub(crate) struct Write {
    pub(crate) conn: ConnId,
    pub(crate) written: Written,
}

pub(crate) enum Written {
    /// Nothing has changed: the socket is as full as it was, or gone.
    Nothing,
    Sent(usize, Pause),
    Failed,
}

impl<S> Shard<S> {
    /// One of `shards`. Its reads of one turn take so many bytes at the most.
    pub(crate) fn new(shards: usize, reads_max: usize) -> Self {
        Self {
            shards,
            peers: Vec::new(),
            ready: VecDeque::new(),
            leaving: VecDeque::new(),
            buffer: vec![0; reads_max].into(),
            reads: Vec::new(),
            gathered: Vec::with_capacity(WRITE_MAX),
            writes: Vec::new(),
        }
    }

    pub(crate) fn insert(&mut self, peer: Peer<S>) {
        let slot = peer.conn.index() / self.shards;
        if self.peers.len() <= slot {
            self.peers.resize_with(slot + 1, || None);
        }
        self.peers[slot] = Some(peer);
    }

    /// Lets go of a connection's socket; whether it was here.
    pub(crate) fn remove(&mut self, conn: ConnId) -> bool {
        let found = self.get_mut(conn).is_some();
        if found {
            self.peers[conn.index() / self.shards] = None;
            self.give_back();
        }
        found
    }

    pub(crate) fn get_mut(&mut self, conn: ConnId) -> Option<&mut Peer<S>> {
        self.at(conn.index()).filter(|peer| peer.conn == conn)
    }

    /// Whoever has this index now.
    pub(crate) fn at(&mut self, index: usize) -> Option<&mut Peer<S>> {
        self.peers.get_mut(index / self.shards)?.as_mut()
    }

    /// How many peers wait to be read, and how many of them for their end alone.
    pub(crate) fn ready(&self) -> (usize, usize) {
        (self.ready.len(), self.leaving.len())
    }

    /// This connection's outbox is written by the next [`write`](Self::write).
    pub(crate) fn add_write(&mut self, conn: ConnId) {
        self.writes.push(Write { conn, written: Written::Nothing });
    }

    /// What the last [`write`](Self::write) did; [`keep_writes`](Self::keep_writes) takes it back
    /// for its room.
    pub(crate) fn take_writes(&mut self) -> Vec<Write> {
        mem::take(&mut self.writes)
    }

    pub(crate) fn keep_writes(&mut self, mut writes: Vec<Write>) {
        writes.clear();
        self.writes = writes;
    }

    /// What the last [`read`](Self::read) brought, and the bytes, one behind the other;
    /// [`keep_reads`](Self::keep_reads) takes it back for its room.
    pub(crate) fn take_reads(&mut self) -> (Vec<Read>, Box<[u8]>) {
        (mem::take(&mut self.reads), mem::take(&mut self.buffer))
    }

    pub(crate) fn keep_reads(&mut self, mut reads: Vec<Read>, buffer: Box<[u8]>) {
        reads.clear();
        (self.reads, self.buffer) = (reads, buffer);
    }

    /// Gives up what a crowd that has gone has left: free places at the end, most of the memory.
    fn give_back(&mut self) {
        while self.peers.last().is_some_and(Option::is_none) {
            self.peers.pop();
        }
        if self.peers.capacity() > 4 * self.peers.len() + PEERS_KEEP {
            self.peers.shrink_to(2 * self.peers.len());
        }
    }
}

impl<S: Socket> Shard<S> {
    /// Puts a peer on a ready list, if it has something to read and somebody wants it.
    pub(crate) fn list(&mut self, index: usize) {
        let Some(peer) = self.at(index) else { return };
        if peer.wants_read() && !mem::replace(&mut peer.listed, true) {
            let list = if peer.shut { &mut self.leaving } else { &mut self.ready };
            list.push_back(index);
        }
    }

    /// One read from each of the first `most` peers that are ready, and of the first `most_leaving`
    /// of those that are told all; the others, and those with more, stay on the list.
    pub(crate) fn read(&mut self, most: usize, most_leaving: usize) {
        let used = self.read_list(|shard| &mut shard.ready, most, 0);
        self.read_list(|shard| &mut shard.leaving, most_leaving, used);
    }

    /// Reads from the first of a list; how much of the buffer is used then.
    fn read_list(
        &mut self,
        list: fn(&mut Self) -> &mut VecDeque<usize>,
        most: usize,
        mut used: usize,
    ) -> usize {
        for _ in 0..list(self).len().min(most) {
            if used + READ_MAX > self.buffer.len() {
                break;
            }
            if let Some(index) = list(self).pop_front() {
                used += self.read_from(index, used);
            }
        }
        used
    }

    /// How many bytes came, into the buffer from `used` on.
    fn read_from(&mut self, index: usize, used: usize) -> usize {
        let Some(Some(peer)) = self.peers.get_mut(index / self.shards) else { return 0 };
        peer.listed = false;
        if !peer.wants_read() {
            return 0;
        }
        let (len, end) = peer.read(&mut self.buffer[used..used + READ_MAX]);
        self.reads.push(Read { conn: peer.conn, len, end, shut: peer.shut });
        self.list(index);
        len
    }

    /// Writes each outbox that is to be written, once.
    pub(crate) fn write(&mut self, core: &Server) {
        let mut writes = self.take_writes();
        for Write { conn, written } in &mut writes {
            *written = self.write_one(*conn, core);
        }
        self.writes = writes;
    }

    /// Writes one outbox.
    pub(crate) fn write_one(&mut self, conn: ConnId, core: &Server) -> Written {
        match self.peers.get_mut(conn.index() / self.shards) {
            Some(Some(peer)) if peer.conn == conn => write_to(peer, core, &mut self.gathered),
            _ => Written::Nothing,
        }
    }
}

fn write_to<S: Socket>(peer: &mut Peer<S>, core: &Server, gathered: &mut Vec<u8>) -> Written {
    let before = mem::replace(&mut peer.room, Room::Some);
    let Ok((sent, pause)) = peer.write(core.outbox(peer.conn), gathered) else {
        return Written::Failed;
    };
    if pause == Pause::Full {
        peer.room = Room::None;
        if sent == 0 && before == Room::Perhaps {
            // The core knows already.
            return Written::Nothing;
        }
    }
    Written::Sent(sent, pause)
}
