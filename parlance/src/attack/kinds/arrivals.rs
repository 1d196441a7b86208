//! Attacks by those who arrive and go no further.

use std::{
    io,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Resource, Rlimit, prlimit};

use crate::{
    attack::{
        crowd::{Crowd, PAUSE, address},
        trial::{Field, Got},
    },
    bench::source::connect_from,
};

/// Sockets that begin to register and never end it; ten from each address, which no limit forbids.
pub(super) fn slow_registration(field: &Field) -> io::Result<Got> {
    unfinished(field, 5000, |number| format!("NICK slow{number}\r\n"))
}

/// Sockets that ask for capabilities and never end that.
pub(super) fn cap_never_ended(field: &Field) -> io::Result<Got> {
    unfinished(field, 500, |number| {
        format!(
            "CAP LS 302\r\nNICK cap{number}\r\nUSER c 0 * :c\r\nCAP LS 302\r\nCAP REQ :batch\r\n"
        )
    })
}

fn unfinished(field: &Field, sockets: usize, hello: impl Fn(usize) -> String) -> io::Result<Got> {
    field.begin();
    let mut crowd = Crowd::new(field.server)?;
    for number in 0..field.share(sockets) {
        crowd.open(address(number, 10))?;
        crowd.say(number, hello(number).as_bytes());
        if number.is_multiple_of(AT_ONCE) {
            crowd.pause()?;
        }
    }
    // Whoever came last has its time, too.
    crowd.serve_until(field.until().max(Instant::now() + REGISTRATION * 3))?;
    field.wait();
    let mut got = Got::of(crowd.tally());
    got.expect(crowd.open_now() == 0, "not all were ended");
    got.expect(crowd.tally().registered == 0, "somebody became a user");
    Ok(got)
}

/// Connects and drops; half of them from one address, half from many.
pub(super) fn storm(field: &Field) -> io::Result<Got> {
    field.begin();
    let (began, mut count, mut failed) = (Instant::now(), 0_usize, 0_usize);
    while Instant::now() < field.until() {
        let source = if count.is_multiple_of(2) { 0 } else { 1 + count % 2000 };
        match connect_from(address(source, 1), field.server, None) {
            Ok(stream) => drop(stream),
            // The address has no port left: those of the last minute wait for late segments.
            Err(_) => failed += 1,
        }
        count += 1;
        if count.is_multiple_of(AT_ONCE) {
            std::thread::sleep(PAUSE);
        }
    }
    let made = count - failed;
    let per_s = made as f64 / began.elapsed().as_secs_f64();
    Ok(Got { text: format!("{made} connections, {per_s:.0} a second"), ..Got::default() })
}

/// Holds as many connections as the server has descriptors for, knocks on, then lets go.
pub(super) fn descriptors(field: &Field) -> io::Result<Got> {
    let pid = i32::try_from(field.process.pid()).ok().and_then(Pid::from_raw);
    let limit = Rlimit { current: Some(DESCRIPTORS), maximum: Some(DESCRIPTORS) };
    prlimit(pid, Resource::Nofile, limit)?;
    field.begin();
    let mut crowd = Crowd::new(field.server)?;
    let newcomers = DESCRIPTORS as usize * 2;
    let mut number = 0;
    while Instant::now() < field.until() {
        if number < newcomers {
            crowd.open(address(number, 10))?;
            number += 1;
        }
        crowd.pause()?;
    }
    let mut got = Got::of(crowd.tally());
    let politely = |reason: &String| reason.contains("no room");
    got.expect(crowd.tally().ended_in_all() > 0, "no newcomer was refused");
    got.expect(crowd.tally().ended.keys().all(politely), "newcomers were not refused politely");
    // They let go, and whoever comes now is to be a user within a second.
    for number in crowd.numbers() {
        crowd.drop(number);
    }
    let freed = Instant::now();
    let mut next = Crowd::new(field.server)?;
    while next.tally().registered == 0 && freed.elapsed() < RECOVERY {
        next.register(1, |number| address(50_000 + 10 * number, 10), freed + RECOVERY)?;
    }
    let ms = freed.elapsed().as_millis();
    got.text += &format!("; a newcomer was in {ms} ms after they left");
    got.expect(next.tally().registered > 0, "nobody was let in within a second");
    Ok(got)
}

/// Connections that are begun between two pauses.
const AT_ONCE: usize = 20;

/// What the server gives newcomers, by its configuration.
const REGISTRATION: Duration = Duration::from_secs(1);

/// Descriptors of the server, of which honest clients have a hundred.
const DESCRIPTORS: u64 = 256;

/// How long it may take until newcomers are let in again.
const RECOVERY: Duration = Duration::from_secs(1);
