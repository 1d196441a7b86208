//! One connection of a load: bytes in, lines to whoever listens, bytes out.

use std::{
    fmt,
    io::{self, Read as _, Write as _},
};

use memchr::memchr;
use mio::net::TcpStream;

use super::{
    line::{command, parameters, text},
    order::Fault,
    swarm::Listener,
};

/// One connection.
pub(super) struct Client {
    stream: TcpStream,
    /// The beginning of a line whose end has not come.
    partial: Vec<u8>,
    /// What the socket has not taken.
    pub(super) out: Vec<u8>,
    error_line: Option<String>,
    write_error: Option<io::Error>,
    /// True once anything has been read.
    connected: bool,
    /// False while it lets lie what the server sends.
    pub(super) reads: bool,
    /// True if its end is no fault.
    pub(super) may_end: bool,
}

/// Why a connection is of no use any more.
pub(super) enum Ended {
    Never(io::Error),
    Closed(String),
    Refused(String),
    Stray(String),
    Fault(Fault),
}

impl Client {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            partial: Vec::new(),
            out: Vec::new(),
            error_line: None,
            write_error: None,
            connected: false,
            reads: true,
            may_end: false,
        }
    }

    /// Reads what has come, up to the end of the stream if that is there (`closed`).
    pub(super) fn read(
        &mut self,
        number: usize,
        closed: bool,
        buffer: &mut [u8],
        listener: &mut impl Listener,
    ) -> Result<(), Ended> {
        loop {
            match self.stream.read(buffer) {
                Ok(0) => return Err(self.end_of_file()),
                Ok(length) => {
                    self.connected = true;
                    listener.arrived();
                    self.lines(number, buffer.get(..length).unwrap_or_default(), listener)?;
                    // A short read has emptied the socket, unless its end is already there to be read.
                    if length < buffer.len() && !closed {
                        return Ok(());
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if self.connected => return Err(Ended::Closed(self.last_words(error))),
                Err(error) => return Err(Ended::Never(error)),
            }
        }
    }

    /// Hands out the lines of one read, with the line that the read before left unfinished.
    fn lines(
        &mut self,
        number: usize,
        mut bytes: &[u8],
        listener: &mut impl Listener,
    ) -> Result<(), Ended> {
        if !self.partial.is_empty() {
            let Some(end) = memchr(b'\n', bytes) else {
                self.partial.extend_from_slice(bytes);
                return Ok(());
            };
            let (rest, next) = bytes.split_at(end);
            let mut line = std::mem::take(&mut self.partial);
            line.extend_from_slice(rest);
            self.line(number, &line, listener)?;
            line.clear();
            self.partial = line;
            bytes = next.get(1..).unwrap_or_default();
        }
        while let Some(end) = memchr(b'\n', bytes) {
            let (line, next) = bytes.split_at(end);
            self.line(number, line, listener)?;
            bytes = next.get(1..).unwrap_or_default();
        }
        self.partial.extend_from_slice(bytes);
        Ok(())
    }

    fn line(
        &mut self,
        number: usize,
        line: &[u8],
        listener: &mut impl Listener,
    ) -> Result<(), Ended> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if listener.line(number, line).map_err(Ended::Fault)? {
            return Ok(());
        }
        match command(line) {
            b"PING" => {
                self.out.extend_from_slice(b"PONG ");
                self.out.extend_from_slice(parameters(line));
                self.out.extend_from_slice(b"\r\n");
                self.flush();
            }
            b"ERROR" => self.error_line = Some(text(line)),
            b"PRIVMSG" => return Err(Ended::Stray(text(line))),
            b"CAP" if parameters(line).split(|&byte| byte == b' ').nth(1) == Some(b"NAK") => {
                return Err(Ended::Refused(text(line)));
            }
            // 422, no MOTD, is no refusal.
            [b'4' | b'5', b'0'..=b'9', b'0'..=b'9'] if command(line) != b"422" => {
                return Err(Ended::Refused(text(line)));
            }
            _ => {}
        }
        Ok(())
    }

    /// Sends what the socket takes; an error is told when reading, where the server's reason may be.
    pub(super) fn flush(&mut self) {
        if self.out.is_empty() {
            return;
        }
        match self.stream.write(&self.out) {
            Ok(written) => drop(self.out.drain(..written.min(self.out.len()))),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => self.write_error = self.write_error.take().or(Some(error)),
        }
    }

    /// A refused connection looks like an ended one if it was written to first.
    fn end_of_file(&mut self) -> Ended {
        match self.write_error.take() {
            Some(error) if !self.connected => Ended::Never(error),
            _ => Ended::Closed(self.last_words("end of file")),
        }
    }

    fn last_words(&mut self, otherwise: impl fmt::Display) -> String {
        self.error_line.take().unwrap_or_else(|| otherwise.to_string())
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("connected", &self.connected).finish_non_exhaustive()
    }
}
