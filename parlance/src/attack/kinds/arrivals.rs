//! Attacks by those who arrive and go no further.

use std::{
    io,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Resource, Rlimit, prlimit};

use crate::{
    attack::{
        crowd::{Crowd, address},
        trial::{Field, Got},
    },
    bench::source::connect_from,
};

/// Sockets that begin to register and never end it; ten from each address, which no limit forbids.
pub(super) fn slow_registration(field: &Field) -> io::Result<Got> {
    let mut crowd = Crowd::new(field.server)?;
    for number in 0..field.share(5000) {
        crowd.open(address(number, 10))?;
        crowd.say(number, format!("NICK slow{number}\r\n").as_bytes());
        if number % 100 == 0 {
            crowd.serve(Duration::ZERO)?;
        }
    }
    // Whoever came last has its time, too.
    crowd.serve_until(field.until.max(Instant::now() + REGISTRATION * 3))?;
    let left = crowd.open_now();
    let mut got = Got { text: crowd.tally().to_string(), ..Got::default() };
    if left > 0 {
        got.broken.push(format!("{left} still connected"));
    }
    Ok(got)
}

/// Connects and drops; half of them from one address, half from many.
pub(super) fn storm(field: &Field) -> io::Result<Got> {
    let (began, mut count, mut failed) = (Instant::now(), 0_usize, 0_usize);
    while Instant::now() < field.until {
        let source = if count % 2 == 0 { address(0, 1) } else { address(1 + count % 2000, 1) };
        match connect_from(source, field.server) {
            Ok(stream) => drop(stream),
            // The address has no port left: those of the last minute wait for late segments.
            Err(_) => failed += 1,
        }
        count += 1;
        std::thread::yield_now();
    }
    let per_s = (count - failed) as f64 / began.elapsed().as_secs_f64();
    Ok(Got {
        text: format!("{} connections, {per_s:.0} a second", count - failed),
        ..Got::default()
    })
}

/// Holds as many connections as the server has descriptors for, knocks on, then lets go.
pub(super) fn descriptors(field: &Field) -> io::Result<Got> {
    let pid = i32::try_from(field.process.pid()).ok().and_then(Pid::from_raw);
    let limit = Rlimit { current: Some(DESCRIPTORS), maximum: Some(DESCRIPTORS) };
    prlimit(pid, Resource::Nofile, limit)?;
    let mut crowd = Crowd::new(field.server)?;
    let newcomers = DESCRIPTORS as usize * 2;
    let mut number = 0;
    while Instant::now() < field.until {
        if number < newcomers {
            crowd.open(address(number, 10))?;
            number += 1;
        }
        crowd.serve(Duration::from_millis(1))?;
    }
    let refused = crowd.tally().ended_in_all();
    let mut got = Got { text: crowd.tally().to_string(), ..Got::default() };
    if crowd.tally().ended.keys().any(|reason| !reason.contains("no room")) || refused == 0 {
        got.broken.push("newcomers were not refused politely".into());
    }
    // They let go, and whoever comes now is to be a user within a second.
    for number in crowd.numbers() {
        crowd.drop(number);
    }
    let freed = Instant::now();
    let mut next = Crowd::new(field.server)?;
    while next.tally().registered == 0 && freed.elapsed() < RECOVERY {
        next.register(1, |number| address(5000 + number, 1), freed + RECOVERY)?;
    }
    let ms = freed.elapsed().as_millis();
    got.text += &format!("; {ms} ms after they left, the next newcomer was in");
    if next.tally().registered == 0 {
        got.broken.push(format!("nobody was let in {ms} ms after they left"));
    }
    Ok(got)
}

/// What the server gives newcomers, by its configuration.
const REGISTRATION: Duration = Duration::from_secs(1);

/// Descriptors of the server, of which honest clients have a hundred.
const DESCRIPTORS: u64 = 256;

/// How long it may take until newcomers are let in again.
const RECOVERY: Duration = Duration::from_secs(1);
