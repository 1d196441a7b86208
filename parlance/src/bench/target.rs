//! A server as it is named on the command line.

use std::{net::SocketAddr, net::ToSocketAddrs as _, str::FromStr};

use super::{
    error::BenchError,
    peers::{Kind, Recipe},
};

/// A server to load.
#[derive(Clone, Debug)]
pub(super) struct Target {
    /// Its name in the table: what was said on the command line, without a command.
    pub(super) name: String,
    /// What to do to have it.
    pub(super) server: Server,
}

/// How a server is had.
#[derive(Clone, Debug)]
pub(super) enum Server {
    /// It is there.
    Running(SocketAddr),
    /// It is started for each round.
    Started(Recipe),
}

/// What `--help` says of servers.
pub(super) const SERVERS: &str = "\
Servers:
  floor                    the least server possible, to compare others with
  mio, tokio               our own, with nothing that holds a load back
  \"mio --io-threads 2\"     the same with further arguments of 'parlance serve'
  inspircd, ngircd         if they are installed (apt-get install inspircd ngircd)
  NAME=COMMAND             one that prints 'listening on ADDRESS' on standard output
  HOST:PORT                one that runs; --pid tells its process, to measure it

All but the last are started for each round, on a port of their own, with throttles off.";

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let started = |name: &str, kind| {
            let name = name.to_owned();
            Self { name: name.clone(), server: Server::Started(Recipe { name, kind }) }
        };
        let split = words(text);
        if let Some((runtime @ ("mio" | "tokio"), arguments)) =
            split.split_first().map(|(first, rest)| (first.as_str(), rest))
        {
            let arguments = [&["--runtime".to_owned(), runtime.to_owned()], arguments].concat();
            return Ok(started(text, Kind::Ours(arguments)));
        }
        match text {
            "floor" => {
                return Ok(started(text, Kind::Announcing(floor().map_err(|e| e.to_string())?)));
            }
            "inspircd" => return Ok(started(text, Kind::InspIrcd)),
            "ngircd" => return Ok(started(text, Kind::NgIrcd)),
            _ => {}
        }
        if let Some((name, command)) = text.split_once('=') {
            let command = words(command);
            if command.is_empty() {
                return Err("the command is empty".into());
            }
            return Ok(started(name, Kind::Announcing(command)));
        }
        let unknown = "neither floor, mio, tokio, inspircd, ngircd, NAME=COMMAND nor HOST:PORT";
        if !text.contains(':') {
            return Err(unknown.into());
        }
        let address = text.to_socket_addrs().map_err(|error| error.to_string())?.next();
        let address = address.ok_or("no address of that name")?;
        Ok(Self { name: text.to_owned(), server: Server::Running(address) })
    }
}

/// The words of a command: between spaces, but for those inside double quotes.
pub(super) fn words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for (place, part) in text.split('"').enumerate() {
        let quoted = place % 2 == 1;
        let mut pieces = if quoted { vec![part] } else { part.split(' ').collect() }.into_iter();
        if let (Some(last), Some(piece)) = (words.last_mut(), pieces.next()) {
            last.push_str(piece);
        }
        words.extend(pieces.map(str::to_owned));
    }
    words.retain(|word| !word.is_empty());
    words
}

fn floor() -> Result<Vec<String>, BenchError> {
    let program =
        std::env::current_exe().map_err(|error| BenchError::io("find this program", error))?;
    let program = program.to_string_lossy().into_owned();
    Ok(vec![program, "bench".into(), "floor".into()])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(text: &str) -> Option<Kind> {
        match text.parse::<Target>().ok()?.server {
            Server::Started(recipe) => Some(recipe.kind),
            Server::Running(_) => None,
        }
    }

    #[test]
    fn our_servers_take_arguments() {
        let ours = |words: &[&str]| Kind::Ours(words.iter().map(|&word| word.to_owned()).collect());
        assert_eq!(kind("tokio"), Some(ours(&["--runtime", "tokio"])));
        let threads = ours(&["--runtime", "mio", "--io-threads", "2"]);
        assert_eq!(kind("mio --io-threads 2"), Some(threads));
        assert_eq!(
            "mio --io-threads 2".parse::<Target>().expect("ours").name,
            "mio --io-threads 2"
        );
    }

    #[test]
    fn others_are_named_run_or_are_there() {
        assert_eq!(kind("inspircd"), Some(Kind::InspIrcd));
        let words = ["/bin/ircd", "--fast"].map(str::to_owned).to_vec();
        assert_eq!(kind("old=/bin/ircd --fast"), Some(Kind::Announcing(words)));
        let there = "127.0.0.1:6667".parse::<Target>().expect("an address").server;
        assert!(matches!(there, Server::Running(address) if address.port() == 6667));
    }

    #[test]
    fn what_is_none_of_these_is_told() {
        let error = |text: &str| text.parse::<Target>().expect_err("unknown");
        assert!(error("uring").starts_with("neither floor, mio"), "{}", error("uring"));
        assert_eq!(error("old="), "the command is empty");
        assert!(!error("127.0.0.1:x").is_empty());
    }

    #[test]
    fn words_stay_together_inside_quotes() {
        assert_eq!(words("a  b \"c d\" e=\"f g\""), ["a", "b", "c d", "e=f g"]);
        assert!(words(" ").is_empty());
    }
}
