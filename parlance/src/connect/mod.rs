//! `parlance connect`: a client for a terminal, or for a script.

mod address;
mod colour;
mod drive;
mod pipe;
mod shown;
mod terminal;
mod typed;
mod view;

use std::{
    env, fs,
    io::{self, IsTerminal as _},
    path::{Path, PathBuf},
};

use chat_core::client::{Client, Options};
use clap::Args;

use crate::{Failure, settings::Runtime};
use address::Address;

/// Arguments of `parlance connect`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ConnectArgs {
    /// The server: 127.0.0.1:6667, irc.example.org, [::1]:6667, unix:PATH
    #[allow(rustdoc::broken_intra_doc_links, reason = "[::1] is an address, and --help shows it")]
    #[arg(value_name = "ADDR", default_value = "127.0.0.1:6667")]
    address: Address,
    /// The name to have there; if it is taken, one like it [default: $USER, or guest]
    #[arg(long, value_name = "NAME")]
    nick: Option<String>,
    /// A channel to join, with its key after a space if it has one. Repeat it for more
    #[arg(long, value_name = "CHANNEL")]
    join: Vec<String>,
    /// What drives the socket
    #[arg(long, value_enum, default_value_t)]
    runtime: Runtime,
    /// A file whose first line is the server's password
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// End when the connection is lost, instead of connecting again. Scripts always end
    #[arg(long)]
    no_reconnect: bool,
}

const EXAMPLES: &str = "\
Examples:
  parlance connect                                     the server of 'parlance serve'
  parlance connect irc.example.org --nick ann --join '#rust'
  parlance connect unix:/run/parlance.sock
  echo hello | parlance connect --nick bot             say one thing and go
  tail -f log | parlance connect --nick bot --join '#log'

On a terminal, /help shows the commands. If input or output is not a terminal, each line of the
input is said in the first channel, what others say is printed, and the end of the input ends it
once the server has taken everything. Exit code 1 if something was refused or lost.";

/// Connects, and stays until the user or the script is done.
///
/// # Errors
/// What kept it from connecting, or what was lost.
pub(crate) fn run(args: ConnectArgs) -> Result<(), Failure> {
    let is_terminal = io::stdin().is_terminal() && io::stdout().is_terminal();
    let editor = if is_terminal { terminal::editor() } else { None };
    let nick = args.nick.unwrap_or_else(user_name);
    let options = Options {
        user: if is_plain(&nick) { nick.to_lowercase() } else { "guest".to_owned() },
        real: nick.clone(),
        nick,
        password: args.password_file.as_deref().map(password).transpose()?,
        join: args.join,
        // A script must know whether its lines arrived: it ends with the connection.
        reconnect: editor.is_some() && !args.no_reconnect,
    };
    let first = options.join.first().and_then(|item| item.split(' ').next()).map(Into::into);
    let client = Client::new(options, seed()?).map_err(|why| Failure::new(why.to_string()))?;
    let server = drive::Server { address: args.address, runtime: args.runtime };
    match editor {
        Some(editor) => terminal::run(editor, client, &server),
        None => pipe::run(first, client, &server),
    }
}

/// Why there was never a connection, and what to do.
fn cannot_connect(address: &str, why: &str) -> String {
    format!(
        "cannot connect to {address}: {why}; start a server with 'parlance serve', or name the \
         address of one"
    )
}

fn user_name() -> String {
    env::var("USER").ok().filter(|name| is_plain(name)).unwrap_or_else(|| "guest".to_owned())
}

/// Whether a name can be a nick on every server, but for its length.
fn is_plain(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    name.starts_with(|char: char| char.is_ascii_alphabetic())
        && name.len() <= USER_NAME_MAX
        && name.bytes().all(is_plain)
}

fn password(file: &Path) -> Result<String, Failure> {
    let text = fs::read_to_string(file)
        .map_err(|error| Failure::io(format_args!("read {}", file.display()), &error))?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

fn seed() -> Result<u64, Failure> {
    getrandom::u64()
        .map_err(|error| Failure::new(format!("cannot get randomness from the system: {error}")))
}

/// The longest user name that is taken for a nick, in bytes.
const USER_NAME_MAX: usize = 16;
