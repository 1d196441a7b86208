//! A client on a simulated host: it comes, talks over a chopped stream, loses it and comes back.

use std::{future::pending, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, ReadHalf, WriteHalf, split},
    time::{sleep, timeout},
};
use turmoil::net::TcpStream;

use super::{
    chaos::Chopped,
    server::PORT,
    stage::{Loss, Order, Shared, now_us},
};

type Stream = Chopped<TcpStream>;

/// How a connection ended. What was abandoned is kept: to let go of it would tell the server.
struct End {
    how: Loss,
    kept: Option<(ReadHalf<Stream>, WriteHalf<Stream>)>,
}

/// How long a connection may take to be made.
const CONNECT_WAIT: Duration = Duration::from_secs(2);

/// One client, for as long as the simulation runs.
pub(super) async fn visit(shared: Shared, me: usize) {
    let called = Arc::clone(&shared.lock().guests[me].called);
    let mut abandoned = Vec::new();
    loop {
        let comes_at = shared.lock().comes_at(me);
        let Some(at) = comes_at else {
            called.notified().await;
            continue;
        };
        sleep_until(at).await;
        let mut how = Loss::Refused;
        let connecting = TcpStream::connect(("server", PORT));
        if let Ok(Ok(stream)) = timeout(CONNECT_WAIT, connecting).await
            && let Ok(address) = stream.local_addr()
        {
            let (pieces, rng) = shared.lock().connected(me, address, now_us());
            let end = talk(&shared, me, Chopped::new(stream, pieces, rng)).await;
            how = end.how;
            abandoned.extend(end.kept);
        }
        shared.lock().lost(me, how, now_us());
    }
}

/// One connection, from its first byte to its end.
async fn talk(shared: &Shared, me: usize, stream: Stream) -> End {
    let called = Arc::clone(&shared.lock().guests[me].called);
    let (mut reading, mut writing) = split(stream);
    let mut buffer = vec![0; 4 << 10];
    let mut out = Vec::new();
    let (mut ending, mut shut) = (false, false);
    loop {
        let before = out.len();
        let plan = shared.lock().plan(me, &mut out, now_us());
        if ending {
            // What it says now is behind its last byte.
            out.truncate(before);
        }
        match plan.order {
            Some(Order::Lose(how)) => {
                let kept = (how == Loss::Abandoned).then_some((reading, writing));
                return End { how, kept };
            }
            Some(Order::HalfClose) => ending = true,
            None => {}
        }
        if shut {
            out.clear();
        } else if ending && out.is_empty() {
            shut = true;
            // A connection that is gone is found out by reading.
            let _ = writing.shutdown().await;
        }
        let most = plan.read.min(buffer.len());
        tokio::select! {
            biased;
            () = called.notified() => {}
            read = reading.read(&mut buffer[..most]), if most > 0 => match read {
                Ok(0) => return End { how: Loss::Ended, kept: None },
                Ok(len) => shared.lock().receive(me, &buffer[..len], now_us()),
                Err(_) => return End { how: Loss::Reset, kept: None },
            },
            written = writing.write(&out), if plan.may_write && !out.is_empty() => match written {
                Ok(len) => {
                    shared.lock().sent(me, &out[..len], now_us());
                    out.drain(..len);
                }
                // The end is found out by reading, behind what was on its way.
                Err(_) => shut = true,
            },
            () = sleep_until(plan.until) => {}
        }
    }
}

async fn sleep_until(at: u64) {
    if at == u64::MAX {
        return pending().await;
    }
    sleep(Duration::from_micros(at.saturating_sub(now_us()))).await;
}
