//! Connections from a chosen one of this machine's addresses: 127.0.0.0/8 has millions of them.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream},
};

use rustix::{
    io::Errno,
    net::{
        AddressFamily, SocketFlags, SocketType, bind, connect, socket_with,
        sockopt::set_socket_recv_buffer_size,
    },
};

/// Begins a connection from `source` to `server`; it never blocks, and may not be there yet. What
/// comes waits in `receive` bytes, or in as many as the system thinks right.
///
/// # Errors
/// If the address is not ours or has no port left, or the system gives no socket.
pub(crate) fn connect_from(
    source: Ipv4Addr,
    server: SocketAddr,
    receive: Option<usize>,
) -> io::Result<TcpStream> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = socket_with(AddressFamily::INET, SocketType::STREAM, flags, None)?;
    if let Some(bytes) = receive {
        set_socket_recv_buffer_size(&socket, bytes)?;
    }
    bind(&socket, &SocketAddrV4::new(source, 0))?;
    match connect(&socket, &server) {
        Ok(()) | Err(Errno::INPROGRESS) => {}
        Err(error) => return Err(error.into()),
    }
    let stream = TcpStream::from(socket);
    stream.set_nodelay(true)?;
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn the_server_sees_the_chosen_address() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let source = Ipv4Addr::new(127, 0, 0, 66);
        let _stream =
            connect_from(source, listener.local_addr().expect("bound"), None).expect("ours");
        assert_eq!(listener.accept().expect("it came").1.ip(), source);
    }
}
