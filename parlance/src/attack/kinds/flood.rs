//! Attacks by users who say more than anybody may: each command in a loop, as fast as the server reads.

use std::{
    io,
    time::{Duration, Instant},
};

use crate::attack::{
    crowd::{Crowd, address},
    trial::{Field, Got},
};

/// Users who flood, two from each address.
pub(super) const ATTACKERS: usize = 20;

/// So many users, before the attack begins.
pub(super) fn users(field: &Field, count: usize) -> io::Result<Crowd> {
    let mut crowd = Crowd::new(field.server)?;
    crowd.register(field.share(count), |number| address(number, 2), Instant::now() + ARRIVAL)?;
    Ok(crowd)
}

/// Begins, and lets every attacker say what `say` gives for its number and round, again and again.
/// How often somebody said it.
pub(super) fn repeat(
    field: &Field,
    crowd: &mut Crowd,
    say: impl Fn(usize, u64) -> Vec<u8>,
) -> io::Result<u64> {
    field.begin();
    let (mut round, mut said) = (0, 0);
    while Instant::now() < field.until() {
        for number in crowd.numbers() {
            said += u64::from(crowd.say(number, &say(number, round)));
        }
        round += 1;
        crowd.pause()?;
    }
    Ok(said)
}

/// The same with lines, each followed by PING: its answers tell how many the server has carried out.
pub(super) fn lines(
    field: &Field,
    mut crowd: Crowd,
    line: impl Fn(usize, u64) -> String,
) -> io::Result<Got> {
    let said = repeat(field, &mut crowd, |number, round| {
        (line(number, round) + "PING x\r\n").into_bytes()
    })?;
    let mut got = Got::of(crowd.tally());
    let done = crowd.tally().pongs;
    got.text += &format!("; {said} times said, {done} carried out, the rest delayed");
    Ok(got)
}

/// WHO, LIST, NAMES and WHOIS in turn, with 400 channels to list.
pub(super) fn queries(field: &Field) -> io::Result<Got> {
    let mut crowd = users(field, ATTACKERS)?;
    for number in crowd.numbers() {
        let channels: Vec<String> = (0..20).map(|n| format!("#list-{number}-{n}")).collect();
        let joins: String =
            channels.chunks(4).map(|four| format!("JOIN {}\r\n", four.join(","))).collect();
        crowd.say(number, joins.as_bytes());
    }
    crowd.serve_until(Instant::now() + Duration::from_millis(200))?;
    let queries =
        ["WHO *", "LIST", "NAMES #lobby", "WHOIS x0", "WHO #lobby", "LIST >0", "WHOWAS x0"];
    lines(field, crowd, |number, round| {
        format!("{}\r\n", queries[(number + round as usize) % queries.len()])
    })
}

/// A new nick again and again, told to all of a channel.
pub(super) fn nicks(field: &Field) -> io::Result<Got> {
    lines(field, users(field, ATTACKERS)?, |number, round| format!("NICK y{number}-{round}\r\n"))
}

/// In and out of the channel where everybody is, and of others.
pub(super) fn joins(field: &Field) -> io::Result<Got> {
    lines(field, users(field, ATTACKERS)?, |number, round| match round % 2 {
        0 => "PART #lobby\r\n".to_owned(),
        _ => format!("JOIN #lobby,#j{number}-{round},#k{number}-{round},#l{number}-{round}\r\n"),
    })
}

/// Modes of a channel back and forth, told to all others who flood.
pub(super) fn modes(field: &Field) -> io::Result<Got> {
    let mut crowd = users(field, ATTACKERS)?;
    crowd.say_all(b"JOIN #modes\r\n");
    crowd.serve_until(Instant::now() + Duration::from_millis(200))?;
    lines(field, crowd, |number, round| match round % 2 {
        0 => format!("MODE #modes +imnvl x{number} 5\r\n"),
        _ => format!("MODE #modes -imnvl x{number}\r\n"),
    })
}

/// Messages to a channel with as many bans as it may have, all of them made to be slow.
pub(super) fn masks(field: &Field) -> io::Result<Got> {
    let mut crowd = users(field, ATTACKERS)?;
    let owner = crowd.numbers().first().copied().unwrap_or_default();
    crowd.say(owner, b"JOIN #masks\r\n");
    crowd.serve_until(Instant::now() + Duration::from_millis(200))?;
    crowd.say_all(b"JOIN #masks\r\n");
    lines(field, crowd, |number, round| {
        if number == owner {
            let mask = |n: u64| format!("*a*a*a*a*a*a*a*a*b{n}!*?*?*?*?*?*?*@*a*?*a*?*a*{n}");
            let list: Vec<String> = (0..4).map(|n| mask(round * 4 + n)).collect();
            return format!("MODE #masks +bbbb {}\r\n", list.join(" "));
        }
        format!("PRIVMSG #masks :{round}\r\n")
    })
}

/// How long the attackers' own arrival may take.
const ARRIVAL: Duration = Duration::from_secs(20);
