//! turmoil's simulated network as the Tokio runtime sees it: [`Net`] for the server, [`Connect`] for
//! the client.

use std::{
    future::Future,
    io,
    net::{IpAddr, SocketAddr},
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Waker},
};

use runtime_tokio::{Connect, Listen, Net, Opening};
use turmoil::net::{TcpListener, TcpStream};

/// The network of the simulated host that asks: use it inside a turmoil simulation only.
#[derive(Copy, Clone, Debug, Default)]
pub struct TurmoilNet;

/// A listener, and the wait for its next newcomer.
pub struct TurmoilListener {
    listener: Arc<TcpListener>,
    /// turmoil can only be asked with a future, which loses its place when it is dropped.
    accepting: Option<Pin<Box<dyn Future<Output = Accepted> + Send>>>,
}

type Accepted = io::Result<(TcpStream, SocketAddr)>;

impl Net for TurmoilNet {
    type Listener = TurmoilListener;
    type Stream = TcpStream;

    fn bind(&self, address: &Listen) -> io::Result<(TurmoilListener, Listen)> {
        let Listen::Tcp(address) = address else {
            return Err(io::Error::new(io::ErrorKind::Unsupported, "turmoil has TCP alone"));
        };
        let binding = pin!(TcpListener::bind(*address));
        let Poll::Ready(bound) = binding.poll(&mut Context::from_waker(Waker::noop())) else {
            return Err(io::Error::other("turmoil waits before it listens"));
        };
        let listener = bound?;
        let address = Listen::Tcp(listener.local_addr()?);
        Ok((TurmoilListener { listener: Arc::new(listener), accepting: None }, address))
    }

    fn poll_accept(
        listener: &mut TurmoilListener,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<(TcpStream, Option<IpAddr>)>> {
        let accepting = listener.accepting.get_or_insert_with(|| {
            let listener = Arc::clone(&listener.listener);
            Box::pin(async move { listener.accept().await })
        });
        let polled = accepting.as_mut().poll(context);
        if polled.is_ready() {
            listener.accepting = None;
        }
        polled.map_ok(|(stream, address)| (stream, Some(address.ip())))
    }
}

impl Connect for TurmoilNet {
    type Stream = TcpStream;

    /// `server` is `host:port`, where the host is one of the simulation's.
    fn connect(&self, server: &str) -> Opening<TcpStream> {
        let server = server.to_string();
        Box::pin(async move { TcpStream::connect(server).await })
    }
}
