//! Attacks by bytes that are no lines, or none that anybody should send.

use std::{io, iter};

use super::flood::{self, ATTACKERS};
use crate::attack::{
    crowd::{Crowd, address},
    trial::{Field, Got},
};

/// Lines that never end, as fast as the server takes them.
pub(super) fn endless_line(field: &Field) -> io::Result<Got> {
    let mut crowd = flood::users(field, ATTACKERS)?;
    let piece = vec![b'a'; 64 << 10];
    let pieces = flood::repeat(field, &mut crowd, |_, _| piece.clone())?;
    let mut got = Got::of(crowd.tally());
    got.text += &format!("; {} MiB written", (pieces * piece.len() as u64) >> 20);
    Ok(got)
}

/// Lines a byte at a time, each byte a segment of its own.
pub(super) fn trickle(field: &Field) -> io::Result<Got> {
    let mut crowd = flood::users(field, ATTACKERS)?;
    let line = b"PRIVMSG #lobby :drop by drop\r\n";
    let bytes = flood::repeat(field, &mut crowd, |_, round| {
        vec![line[(round % line.len() as u64) as usize]]
    })?;
    let mut got = Got::of(crowd.tally());
    got.text += &format!("; {bytes} bytes written one by one");
    Ok(got)
}

/// As many tags as a line may have on each message: half of them a client's own, and too many.
pub(super) fn tags(field: &Field) -> io::Result<Got> {
    let mut crowd = flood::users(field, ATTACKERS)?;
    let caps = b"CAP REQ :message-tags echo-message labeled-response\r\n";
    crowd.say_all(caps);
    let of = |len: usize| {
        let mut tags = "@".to_owned();
        (0..)
            .map(|n| format!("+tag{n}=value;"))
            .take_while(|tag| {
                let fits = tags.len() + tag.len() < len;
                if fits {
                    tags += tag;
                }
                fits
            })
            .for_each(drop);
        tags.trim_end_matches(';').to_owned()
    };
    let (most, more) = (of(4090), of(8190));
    flood::lines(field, crowd, |_, round| {
        let tags = if round % 2 == 0 { &most } else { &more };
        format!("{tags} PRIVMSG #lobby :tagged {round}\r\n")
    })
}

/// A browser that was made to post IRC commands.
pub(super) fn http_post(field: &Field) -> io::Result<Got> {
    let body = "NICK browser\r\nUSER b 0 * :b\r\nJOIN #lobby\r\nPRIVMSG #lobby :posted\r\n";
    let post = format!(
        "POST / HTTP/1.1\r\nHost: irc.example\r\nOrigin: https://evil.example\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    foreign(field, post.as_bytes())
}

/// A client that speaks TLS to the port that does not.
pub(super) fn tls_hello(field: &Field) -> io::Result<Got> {
    let hello: Vec<u8> =
        b"\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03".iter().copied().chain(0..190).collect();
    let mut got = foreign(field, &hello)?;
    let log = String::from_utf8_lossy(&std::fs::read(&field.log)?).to_lowercase();
    got.expect(log.contains("tls"), "no hint in the log");
    Ok(got)
}

/// Connections that say something of another protocol; each is to be ended at once.
fn foreign(field: &Field, bytes: &[u8]) -> io::Result<Got> {
    field.begin();
    let mut crowd = Crowd::new(field.server)?;
    for number in 0..field.share(500) {
        crowd.open(address(number, 10))?;
        crowd.say(number, bytes);
        crowd.pause()?;
    }
    crowd.serve_until(field.until())?;
    let mut got = Got::of(crowd.tally());
    got.expect(crowd.open_now() == 0, "not all were ended at once");
    got.expect(crowd.tally().registered == 0, "somebody became a user");
    Ok(got)
}

/// Bytes that act on a terminal, in each place that a peer can put them.
pub(super) fn injection(field: &Field) -> io::Result<Got> {
    let client = field.watcher()?;
    field.begin();
    let mut crowd = Crowd::new(field.server)?;
    let mut said = 0;
    for (round, evil) in iter::repeat(EVIL).flatten().enumerate() {
        if std::time::Instant::now() >= field.until() || round >= field.share(500) {
            break;
        }
        let number = crowd.open(address(round, 10))?;
        let digits = round.to_string();
        let before = [
            &b"NICK "[..],
            evil,
            b"\r\nNICK evil",
            digits.as_bytes(),
            b"\r\nUSER ",
            evil,
            b" 0 * :",
            evil,
            b"\r\nUSER e 0 * :",
            evil,
            b"\r\n",
        ];
        let after = [
            &b"NICK a"[..],
            evil,
            b"\r\nTOPIC #lobby :evil",
            evil,
            b"\r\nPRIVMSG #lobby :evil",
            evil,
            b"\r\nJOIN #a",
            evil,
            b"\r\nAWAY :",
            evil,
            b"\r\nMETADATA * SET url :",
            evil,
            b"\r\nOPER ",
            evil,
            b" ",
            evil,
            b"\r\nQUIT :evil",
            evil,
            b"\r\n",
        ];
        crowd.say(number, &[before.concat(), after.concat()].concat());
        said += 1;
        crowd.pause()?;
    }
    crowd.serve_until(field.until())?;
    let mut got = Got::of(crowd.tally());
    let shown = client.end()?;
    let text = String::from_utf8_lossy(&shown).into_owned();
    let log = String::from_utf8_lossy(&std::fs::read(&field.log)?).into_owned();
    got.text +=
        &format!("; {said} times, of which our client showed {}", text.matches("evil").count());
    got.expect(text.contains("evil"), "our client saw nothing of it");
    got.expect(log.contains("\\x1b"), "the log saw nothing of it");
    let acting = acting(&shown);
    got.expect(acting == 0, "control characters in what our client shows");
    Ok(got)
}

/// Characters that act on a terminal, turn a text's direction, or are no text at all.
pub(in crate::attack) fn acting(text: &[u8]) -> usize {
    let acts = |char: &char| {
        char.is_control() && *char != '\n'
            || matches!(char, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
    };
    let broken = usize::from(str::from_utf8(text).is_err());
    String::from_utf8_lossy(text).chars().filter(acts).count() + broken
}

/// A title, a cleared screen, C1 controls, a turned direction, NUL, and what is not UTF-8.
const EVIL: &[&[u8]] = &[
    b"\x1b]0;title\x07",
    b"\x1b[2J\x1b[31m",
    b"\xc2\x9b31m\xc2\x85",
    b"\xe2\x80\xaetxt.exe\xe2\x80\xa8",
    b"nul\0nul",
    b"caf\xe9\xff\xfe",
    b"\x08\x08\x08\x7f\x0b\x0c",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_it_acts_on_a_terminal_and_plain_text_does_not() {
        for evil in EVIL {
            assert!(acting(evil) > 0, "{evil:?}");
        }
        assert_eq!(acting("INFO añ nick=\\x1b[2J\n".as_bytes()), 0);
    }
}
