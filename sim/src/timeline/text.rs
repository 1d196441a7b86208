//! A log as text: a line for each event, with the time in ms, the client and its connection.

use std::{collections::BTreeMap, fmt};

use super::messages::bare;
use crate::log::{Event, Log, What};

/// A line for each event; bytes that hold several lines of IRC take as many.
///
/// `c0/3` is client 0 on connection 3. What a client sends is told when it sets out and when it reaches
/// the server, and what the server writes when it sets out and when it reaches the client.
impl fmt::Display for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut clients: BTreeMap<usize, u32> = BTreeMap::new();
        for Event { at_us, what } in &self.events {
            let (verb, rest) = told(what);
            if let What::Opened { life, client } = what {
                clients.insert(*life, *client);
            }
            let who = match (what.life(), what) {
                (_, What::Step { client, .. }) => format!("c{client}"),
                (Some(life), _) => match clients.get(&life) {
                    Some(client) => format!("c{client}/{life}"),
                    None => format!("stranger/{life}"),
                },
                (None, _) => "server".into(),
            };
            let mut line = |rest: &str| {
                let ms = *at_us as f64 / 1_000.0;
                let line = format!("{ms:>10.3}  {who:<8} {verb:<14} {rest}");
                writeln!(f, "{}", line.trim_end())
            };
            match rest {
                Rest::Text(text) => line(&text)?,
                Rest::Bytes(bytes) => {
                    for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
                        line(&escaped(piece))?;
                    }
                }
            }
        }
        Ok(())
    }
}

enum Rest<'a> {
    Text(String),
    Bytes(&'a [u8]),
}

/// An event's verb, and the rest.
fn told(what: &What) -> (&'static str, Rest<'_>) {
    let text = |text: &str| Rest::Text(text.into());
    match what {
        What::Step { action, .. } => ("step", Rest::Text(action.to_string())),
        What::Opened { .. } => ("connects", text("")),
        What::Sent { bytes, .. } => ("sends", Rest::Bytes(bytes)),
        What::ReachedServer { bytes, .. } => ("server takes", Rest::Bytes(bytes)),
        What::Carried { line, .. } => ("server obeys", Rest::Bytes(bare(line))),
        What::Wrote { bytes, .. } => ("server writes", Rest::Bytes(bytes)),
        What::ReachedClient { bytes, .. } => ("receives", Rest::Bytes(bytes)),
        What::Reading { on: true, .. } => ("server", text("reads again")),
        What::Reading { on: false, .. } => ("server", text("stops reading")),
        What::Closing { now: true, .. } => ("server", text("closes it now")),
        What::Closing { now: false, .. } => ("server", text("closes it when all has left")),
        What::ServerClosed { why, .. } => ("server closed", text(why)),
        What::ClientClosed { why, .. } => ("client closed", text(why)),
        What::Timeout => ("timer", text("")),
        What::Healing => ("healing", text("all troubles end")),
        What::Restart => ("starts again", text("")),
        What::Broken { property, detail, .. } => {
            ("DOES NOT HOLD", Rest::Text(format!("{property}: {detail}")))
        }
    }
}

/// Bytes on one line, with nothing in them that acts on a terminal or a page.
pub(super) fn escaped(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for byte in bytes {
        match byte {
            b'"' | b'\'' => text.push(char::from(*byte)),
            _ => text.extend(byte.escape_ascii().map(char::from)),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_told_line_by_line_and_by_connection() {
        let event = |at_us, what| Event { at_us, what };
        let log = Log {
            events: vec![
                event(1_000, What::Opened { life: 3, client: 1 }),
                event(1_000, What::Sent { life: 3, bytes: b"PING 'a'\r\n\x1bPI".to_vec() }),
                event(2_500, What::Timeout),
            ],
        };
        let told = "     1.000  c1/3     connects
     1.000  c1/3     sends          PING 'a'\\r\\n
     1.000  c1/3     sends          \\x1bPI
     2.500  server   timer\n";
        assert_eq!(log.to_string(), told);
    }
}
