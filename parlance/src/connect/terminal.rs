//! The client on a terminal: what comes is printed above the line that is being typed.
//!
//! Three threads: the client's loop, which must not block; the editor, which waits for keys; and
//! the screen, which prints, and may have to wait for the editor.

mod editor;
mod screen;
mod session;

use std::{
    io,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{self, Sender},
    },
    thread,
};

use chat_core::client::{Client, Command, Event};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};

use super::{
    colour::Colours,
    drive::{self, Server},
    shown::shown,
    view::View,
};
use crate::Failure;

pub(super) use editor::{Editor, editor};
use screen::Screen;
use session::Session;

/// Chats until the user quits.
///
/// # Errors
/// Why it ended, if the user did not want it.
pub(super) fn run(editor: Editor, client: Client, server: &Server) -> Result<(), Failure> {
    let modes = tcgetattr(io::stdin()).ok();
    let colours = Colours::of_environment();
    let session = Arc::new(Session::new(&client, server.address.host()));
    let (editor, screen, printed) = editor.with_screen(colours, Arc::clone(&session));
    screen.show(format!("-- connecting to {}; /help shows the commands", server.address));
    let (next, commands) = mpsc::channel();
    let failure = Arc::new(Mutex::new(None));
    let chat =
        Chat { view: View { colours }, session, screen, next, failure: Arc::clone(&failure) };
    let events = Box::new(move |client: &Client, event| chat.event(client, &event));
    let mut typing = None;
    drive::run(client, server, events, |handle| {
        handle.relay(commands);
        typing = Some(thread::spawn(move || editor.run(&handle)));
    })?;
    printed.wait();
    // If the connection ended by itself, the editor still holds the terminal.
    if typing.is_some_and(|typing| !typing.is_finished())
        && let Some(modes) = modes
    {
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &modes);
        println!("\x1b[?2004l");
    }
    let failure = failure.lock().unwrap_or_else(PoisonError::into_inner).take();
    failure.map_or(Ok(()), |why| Err(Failure::new(why)))
}

/// The client's side of a chat.
struct Chat {
    view: View,
    session: Arc<Session>,
    screen: Screen,
    /// Our own commands.
    next: Sender<Command>,
    failure: Arc<Mutex<Option<String>>>,
}

impl Chat {
    fn event(&self, client: &Client, event: &Event) {
        if matches!(event, Event::Registered { .. }) {
            // When it is answered, the server has put us in its channels. If it can't be sent, the
            // client is gone.
            let _ = self.next.send(Command::Ping { token: JOINED.into() });
        }
        self.session.follow(client, event);
        let current = self.session.current();
        if let Some(line) = self.view.line(client, current.as_ref(), event) {
            self.screen.show(line);
        }
        if let Event::Disconnected { why, retry_at: None } = event
            && !self.session.is_quitting()
        {
            let why = format!("the connection ended: {}", shown(why));
            *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
        }
    }
}

/// Sent after registration.
const JOINED: &str = "joined";
