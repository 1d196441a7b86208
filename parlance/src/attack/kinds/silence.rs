//! Attacks by users who do nothing: they do not read, they are not there any more, they all leave at once.

use std::{
    fs::File,
    io,
    net::Ipv4Addr,
    os::fd::AsFd as _,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::attack::{
    crowd::{Crowd, address},
    trial::{Field, Got},
};

/// Fifty members of a channel do not read, while four others write as much as they may.
pub(super) fn unread(field: &Field) -> io::Result<Got> {
    let mut crowd = Crowd::new(field.server)?;
    crowd.receive_little();
    let until = Instant::now() + ARRIVAL;
    crowd.register(field.share(READERS + WRITERS), |number| address(number, 2), until)?;
    let numbers = crowd.numbers();
    crowd.say_all(b"JOIN #heavy\r\n");
    crowd.serve_until(Instant::now() + Duration::from_millis(300))?;
    let (writers, readers) =
        numbers.split_at((numbers.len() * WRITERS / (READERS + WRITERS)).max(1));
    readers.iter().for_each(|&number| crowd.stop_reading(number));
    field.begin();
    let lines = format!("PRIVMSG #heavy :{}\r\n", "x".repeat(400)).repeat(EACH);
    let (mut said, mut due) = (0_u64, Instant::now());
    while Instant::now() < field.until() {
        if Instant::now() >= due {
            due += Duration::from_millis(10);
            for &number in writers {
                said += u64::from(crowd.say(number, lines.as_bytes()));
            }
        }
        crowd.pause()?;
    }
    let mut got = Got::of(crowd.tally());
    got.text += &format!("; {} messages to {} who do not read", said * EACH as u64, readers.len());
    Ok(got)
}

/// Users in a network of their own whose link goes down: nothing of them comes any more, no end either.
pub(super) fn half_open(field: &Field) -> io::Result<Got> {
    let island = match Island::create() {
        Ok(island) => island,
        Err(why) => return Ok(Got { skipped: Some(why.to_string()), ..Got::default() }),
    };
    let users = field.share(50);
    let mut server = field.server;
    server.set_ip(Island::OURS.into());
    let before = field.process.descriptors()?;
    // Sockets belong to the network that their thread is in.
    let arrive = move || -> io::Result<(Island, Crowd)> {
        island.enter()?;
        let mut crowd = Crowd::new(server)?;
        crowd.register(users, |_| Island::THEIRS, Instant::now() + ARRIVAL)?;
        Ok((island, crowd))
    };
    let (island, crowd) =
        thread::spawn(arrive).join().unwrap_or_else(|why| std::panic::resume_unwind(why))?;
    let mut got = Got::of(crowd.tally());
    got.expect(crowd.tally().registered == users as u64, "not all became users");
    field.begin();
    island.cut_off()?;
    let cut = Instant::now();
    while cut.elapsed() < GONE && field.process.descriptors()? > before {
        thread::sleep(Duration::from_millis(20));
    }
    got.text += &format!("; gone {} ms after their link", cut.elapsed().as_millis());
    got.expect(field.process.descriptors()? <= before, "the server still holds them");
    field.wait();
    Ok(got)
}

/// Two thousand members of a channel leave at once.
pub(super) fn quits(field: &Field) -> io::Result<Got> {
    let mut crowd = Crowd::new(field.server)?;
    let until = Instant::now() + ARRIVAL;
    crowd.register(field.share(2000), |number| address(number, 10), until)?;
    crowd.serve_until(Instant::now() + Duration::from_millis(500))?;
    let mut got = Got::of(crowd.tally());
    got.expect(crowd.tally().ended_in_all() == 0, "some left before the others");
    field.begin();
    thread::sleep(Duration::from_millis(200));
    drop(crowd);
    field.wait();
    got.text += "; all left at once";
    Ok(got)
}

/// A network namespace with a link to ours, gone when dropped.
struct Island;

impl Island {
    const OURS: Ipv4Addr = Ipv4Addr::new(10, 213, 66, 1);
    const THEIRS: Ipv4Addr = Ipv4Addr::new(10, 213, 66, 2);

    fn create() -> io::Result<Self> {
        // What an earlier run may have left.
        let _ = ip("netns del parlance-attack");
        let _ = ip("link del plattack0");
        ip("netns add parlance-attack")?;
        let island = Self;
        ip("link add plattack0 type veth peer name plattack1 netns parlance-attack")?;
        ip("addr add 10.213.66.1/24 dev plattack0")?;
        ip("link set plattack0 up")?;
        ip("-n parlance-attack addr add 10.213.66.2/24 dev plattack1")?;
        ip("-n parlance-attack link set plattack1 up")?;
        Ok(island)
    }

    /// Takes this thread there.
    fn enter(&self) -> io::Result<()> {
        let space = File::open("/run/netns/parlance-attack")?;
        move_into_link_name_space(space.as_fd(), Some(LinkNameSpaceType::Network))?;
        Ok(())
    }

    fn cut_off(&self) -> io::Result<()> {
        ip("-n parlance-attack link set plattack1 down")
    }
}

impl Drop for Island {
    fn drop(&mut self) {
        let _ = ip("link del plattack0");
        let _ = ip("netns del parlance-attack");
    }
}

/// Runs `ip`; an error is what it said.
fn ip(arguments: &str) -> io::Result<()> {
    let output = Command::new("ip").args(arguments.split(' ')).output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().replace('\n', " / ");
    Err(io::Error::other(format!("ip {arguments}: {said}")))
}

const READERS: usize = 50;
const WRITERS: usize = 4;
/// Messages that a writer sends every 10 ms.
const EACH: usize = 20;

/// How long the attackers' own arrival may take.
const ARRIVAL: Duration = Duration::from_secs(20);

/// Silence until a ping, until the end after it, until that is given up (a second each by the
/// configuration), and a second more.
const GONE: Duration = Duration::from_secs(4);
