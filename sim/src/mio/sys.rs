//! The poller and its sockets, as the adapter calls them.

use std::{
    cell::RefCell,
    io::{self, ErrorKind, Read, Write},
    net::IpAddr,
    rc::Rc,
    task::Waker,
    time::Duration,
};

use runtime_mio::{Listen, Ready, Stream, Sys, Token};

use crate::{judge::LifeId, sometimes::Seen};

use super::Stage;

/// What the system says when there are no descriptors, for the process and for all.
const NO_DESCRIPTORS: [i32; 2] = [24, 23];

pub(super) struct Poller<'a>(pub(super) Rc<RefCell<Stage<'a>>>);

/// The server's end of a connection.
pub(super) struct Wire<'a> {
    stage: Rc<RefCell<Stage<'a>>>,
    life: LifeId,
}

impl<'a> Sys for Poller<'a> {
    type Listener = ();
    type Stream = Wire<'a>;

    fn bind(&mut self, address: &Listen, _: Token) -> io::Result<((), Listen)> {
        Ok(((), address.clone()))
    }

    fn accept(&mut self, (): &mut ()) -> io::Result<(Wire<'a>, Option<IpAddr>)> {
        let (life, address) = self.0.borrow_mut().accept()?;
        Ok((Wire { stage: Rc::clone(&self.0), life }, Some(address)))
    }

    fn register(&mut self, wire: &mut Wire<'a>, token: Token) -> io::Result<()> {
        self.0.borrow_mut().register(wire.life, token)
    }

    fn poll(&mut self, timeout: Option<Duration>, ready: &mut Vec<Ready>) -> io::Result<()> {
        self.0.borrow_mut().poll(timeout, ready)
    }

    fn waker(&self) -> Waker {
        // Whoever wakes the server does so while it sleeps, and ends its sleep.
        Waker::noop().clone()
    }
}

impl Read for Wire<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stage.borrow_mut().read(self.life, buffer)
    }
}

impl Write for Wire<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stage.borrow_mut().write(self.life, bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Stream for Wire<'_> {
    fn shut_down_write(&mut self) -> io::Result<()> {
        let mut stage = self.stage.borrow_mut();
        if stage.sockets[self.life].reset {
            return Err(ErrorKind::NotConnected.into());
        }
        stage.crowd.shut_down(self.life);
        Ok(())
    }
}

impl Drop for Wire<'_> {
    fn drop(&mut self) {
        // After a panic nobody looks any more.
        if !std::thread::panicking() {
            self.stage.borrow_mut().drop_wire(self.life);
        }
    }
}

impl Stage<'_> {
    fn see<T>(&mut self, what: Seen, error: impl Into<io::Error>) -> io::Result<T> {
        self.crowd.sometimes.see(what);
        Err(error.into())
    }

    /// Any call may be interrupted.
    fn interrupt(&mut self) -> io::Result<()> {
        if self.chance(3) { self.see(Seen::Interrupted, ErrorKind::Interrupted) } else { Ok(()) }
    }

    fn accept(&mut self) -> io::Result<(LifeId, IpAddr)> {
        self.interrupt()?;
        let life = self.door.pop_front().ok_or(ErrorKind::WouldBlock)?;
        if self.crowd.is_starved() && self.chance(50) {
            self.door.push_front(life);
            let which = self.rng.below(NO_DESCRIPTORS.len() as u64) as usize;
            let why = io::Error::from_raw_os_error(NO_DESCRIPTORS[which]);
            return self.see(Seen::NobodyAccepted, why);
        }
        if self.sockets[life].reset && self.chance(50) {
            self.drop_wire(life);
            return self.see(Seen::Aborted, ErrorKind::ConnectionAborted);
        }
        Ok((life, self.crowd.pipe(life).address))
    }

    fn register(&mut self, life: LifeId, token: Token) -> io::Result<()> {
        if self.crowd.is_starved() && self.chance(20) {
            return self.see(Seen::NotRegistered, ErrorKind::OutOfMemory);
        }
        if let Token::Stream(number) = token {
            self.sockets[life].number = Some(number);
        }
        Ok(())
    }

    fn read(&mut self, life: LifeId, buffer: &mut [u8]) -> io::Result<usize> {
        if self.sockets[life].reset {
            return self.see(Seen::StreamBroken, ErrorKind::ConnectionReset);
        }
        self.interrupt()?;
        if self.crowd.pipe(life).up.arrived == 0 {
            let ended = self.sockets[life].ended;
            return if ended { Ok(0) } else { Err(ErrorKind::WouldBlock.into()) };
        }
        let mut bytes = Vec::new();
        self.crowd.read(life, buffer.len(), &mut bytes);
        buffer[..bytes.len()].copy_from_slice(&bytes);
        Ok(bytes.len())
    }

    fn write(&mut self, life: LifeId, bytes: &[u8]) -> io::Result<usize> {
        if self.sockets[life].reset {
            let why = [ErrorKind::BrokenPipe, ErrorKind::ConnectionReset];
            let why = why[self.rng.below(2) as usize];
            return self.see(Seen::StreamBroken, why);
        }
        self.interrupt()?;
        let room = self.crowd.window(life);
        // A system may say that there is no room before it comes to that, but not at once.
        let full = self.crowd.pipe(life).down.bytes.len() > room && self.chance(15);
        if room == 0 || full {
            self.crowd.block(life);
            return Err(ErrorKind::WouldBlock.into());
        }
        let pipe = self.crowd.pipe(life);
        let sent = pipe.portion(room.min(bytes.len()));
        self.crowd.counters.flushes += 1;
        self.crowd.counters.partial_writes += u64::from(sent < bytes.len());
        self.crowd.write(life, &bytes[..sent], sent < bytes.len(), false);
        Ok(sent)
    }

    /// The server lets go of a connection. With something unread the client is reset; otherwise it
    /// gets all that was written, and then an end.
    fn drop_wire(&mut self, life: LifeId) {
        self.edges.remove(&life);
        let socket = &mut self.sockets[life];
        socket.dropped = true;
        let reset = socket.reset;
        let pipe = self.crowd.pipe(life);
        let unread = pipe.up.arrived > 0 && !reset;
        pipe.cut = !pipe.down.ended;
        let cut = pipe.cut;
        self.crowd.counters.dropped += u64::from(cut || unread);
        if unread {
            self.crowd.sometimes.see(Seen::DroppedUnread);
        }
        self.crowd.close(life, if reset { "reset" } else { "closed" }, unread);
        if cut && !unread {
            self.crowd.shut_down(life);
        }
    }
}
