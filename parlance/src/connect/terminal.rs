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
        mpsc::{self, Receiver, RecvTimeoutError, Sender},
    },
    thread,
    time::Duration,
};

use chat_core::client::{Client, Command, Event};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use signal_hook::{
    consts::{SIGHUP, SIGTERM},
    iterator::Signals,
};

use super::{
    cannot_connect,
    colour::Colours,
    drive::{self, Handle, Server},
    view::{View, reason},
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
    let quitting = Arc::clone(&session);
    let mut chat = Chat {
        server: server.address.to_string(),
        view: View { colours },
        session,
        screen,
        next,
        connected: false,
        failure: Arc::clone(&failure),
    };
    let events = Box::new(move |client: &Client, event| chat.event(client, &event));
    let (end, typed) = Ended::new();
    let signals = Signals::new([SIGTERM, SIGHUP])
        .map_err(|error| Failure::io("listen for signals", &error))?;
    drive::run(client, server, events, |handle| {
        handle.relay(commands);
        quit_on(signals, quitting, handle.clone());
        thread::spawn(move || {
            editor.run(&handle);
            drop(end);
        });
    })?;
    // Without a printer the editor ends too, and gives the terminal back.
    if !(printed.wait() && typed.wait())
        && let Some(modes) = modes
    {
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &modes);
        println!("\x1b[?2004l");
    }
    let failure = failure.lock().unwrap_or_else(PoisonError::into_inner).take();
    failure.map_or(Ok(()), |why| Err(Failure::new(why)))
}

/// Quits when the process is told to end, so that the terminal is given back as it was.
fn quit_on(mut signals: Signals, session: Arc<Session>, handle: Handle) {
    thread::spawn(move || {
        for _ in &mut signals {
            session.quit();
            handle.send(Command::Quit { reason: None });
        }
    });
}

/// Tells that a thread has ended, or soon will.
struct Ended(Receiver<()>);

impl Ended {
    /// What the thread drops at its end, and what is told by that.
    fn new() -> (Sender<()>, Self) {
        let (end, ended) = mpsc::channel();
        (end, Self(ended))
    }

    /// Waits a little; whether the thread has ended.
    fn wait(&self) -> bool {
        self.0.recv_timeout(END_WAIT) == Err(RecvTimeoutError::Disconnected)
    }
}

/// The client's side of a chat.
struct Chat {
    server: String,
    view: View,
    session: Arc<Session>,
    screen: Screen,
    /// Our own commands.
    next: Sender<Command>,
    /// There was a connection: the server is worth another attempt.
    connected: bool,
    failure: Arc<Mutex<Option<String>>>,
}

impl Chat {
    fn event(&mut self, client: &Client, event: &Event) {
        self.session.follow(client, event);
        match event {
            Event::Connected => self.connected = true,
            // When it is answered, the server has put us in its channels.
            Event::Registered { .. } => self.send(Command::Ping { token: JOINED.into() }),
            // How it ends is known.
            Event::ServerError { .. } | Event::Disconnected { .. }
                if self.session.is_quitting() =>
            {
                return;
            }
            Event::Disconnected { why, .. } if !self.connected => {
                self.fail(cannot_connect(&self.server, &reason(why)));
                return self.send(Command::Quit { reason: None });
            }
            Event::Disconnected { why, retry_at: None } => {
                return self.fail(format!("the connection ended: {}", reason(why)));
            }
            _ => {}
        }
        let current = self.session.current();
        if let Some(line) = self.view.line(client, current.as_ref(), event) {
            self.screen.show(line);
        }
    }

    fn send(&self, command: Command) {
        // If it can't be sent, the client is gone.
        let _ = self.next.send(command);
    }

    fn fail(&self, why: String) {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.get_or_insert(why);
    }
}

/// Sent after registration.
const JOINED: &str = "joined";

/// How long the threads of the terminal may take to end.
const END_WAIT: Duration = Duration::from_millis(500);
