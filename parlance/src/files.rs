//! The files of a running server, read and written beside the event loop: one thread, one after the
//! other.

use std::{
    io,
    sync::{Arc, mpsc},
    thread,
};

use chat_core::{Answer, Config, host::Reply};
use tracing::error;

use crate::serve::ConfigFile;

/// Does what the core asks of files.
pub(crate) struct Files {
    queue: mpsc::SyncSender<Job>,
}

/// What is to be done, and where the answer goes.
type Job = (Task, Reply);

/// What can be done.
pub(crate) enum Task {
    /// Reads the configuration again.
    Configuration,
}

impl Files {
    /// Starts the thread. It ends when this is dropped.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub(crate) fn start(config: Option<Arc<ConfigFile>>) -> io::Result<Self> {
        let (queue, jobs) = mpsc::sync_channel::<Job>(WAITING);
        thread::Builder::new().name("files".into()).spawn(move || {
            for (task, reply) in jobs {
                reply(match task {
                    Task::Configuration => configuration(config.as_deref()),
                });
            }
        })?;
        Ok(Self { queue })
    }

    /// Does it later; or says now that it can't be done.
    pub(crate) fn ask(&self, task: Task, reply: Reply) {
        let sent = self.queue.try_send((task, reply));
        if let Err(mpsc::TrySendError::Full(job) | mpsc::TrySendError::Disconnected(job)) = sent {
            (job.1)(Answer::Unavailable);
        }
    }
}

fn configuration(file: Option<&ConfigFile>) -> Answer {
    let Some(file) = file else {
        return Answer::Failed("the server was started without a configuration file".into());
    };
    match file.read() {
        Ok(config) => Answer::Configuration(Box::<Config>::new(config)),
        Err(why) => {
            error!("the old configuration stays: {why}");
            Answer::Failed(why.to_string())
        }
    }
}

/// Tasks that wait.
const WAITING: usize = 64;
