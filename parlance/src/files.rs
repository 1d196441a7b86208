//! The files of a running server, read and written beside the event loop: one thread, one after the
//! other.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::{Arc, mpsc},
    thread,
};

use chat_core::{Answer, BadBans, Config, check_bans, host::Reply};
use tracing::error;

use crate::{Failure, serve::ConfigFile};

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
    /// Reads the bans.
    LoadBans,
    /// Writes the bans: all of them or, if that fails, none.
    StoreBans(Vec<u8>),
}

impl Files {
    /// Starts the thread. It ends when this is dropped.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub(crate) fn start(
        config: Option<Arc<ConfigFile>>,
        bans: Option<PathBuf>,
    ) -> io::Result<Self> {
        let (queue, jobs) = mpsc::sync_channel::<Job>(WAITING);
        thread::Builder::new().name("files".into()).spawn(move || {
            for (task, reply) in jobs {
                reply(match task {
                    Task::Configuration => configuration(config.as_deref()),
                    Task::LoadBans => load_bans(bans.as_deref()),
                    Task::StoreBans(text) => store_bans(bans.as_deref(), &text),
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

fn load_bans(path: Option<&Path>) -> Answer {
    match path.map(read_bans) {
        Some(Ok(text)) => Answer::Bans(text),
        Some(Err(why)) => Answer::Failed(why.to_string()),
        None => Answer::Unavailable,
    }
}

fn store_bans(path: Option<&Path>, text: &[u8]) -> Answer {
    match path.map(|path| replace(path, text)) {
        Some(Ok(())) => Answer::Stored,
        Some(Err(error)) => {
            error!("the bans could not be kept: {error}");
            Answer::Failed(error.to_string())
        }
        None => Answer::Unavailable,
    }
}

/// The text of a file of bans; none if there is no file yet.
///
/// # Errors
/// It can't be read, or a line of it is wrong.
pub(crate) fn read_bans(path: &Path) -> Result<Vec<u8>, Failure> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(Failure::io(format_args!("read {}", path.display()), &error)),
    };
    match check_bans(&text) {
        Ok(_) => Ok(text),
        Err(BadBans { line, why }) => {
            Err(Failure::new(format!("{}:{line}: {why}", path.display())))
        }
    }
}

/// Puts a new file in place of an old one: whoever looks, now or after a crash, finds one or the
/// other, and all of it.
fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = path.with_file_name(name);
    let mut file = File::create(&new)?;
    file.write_all(text)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    // That the name is the new file's is on the disk with the folder.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// Tasks that wait.
const WAITING: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bans_are_replaced_as_a_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bans");
        assert_eq!(load_bans(Some(&path)), Answer::Bans(Vec::new()));
        for text in ["KLINE *@bad.example :spam\n", "# none\n"] {
            assert_eq!(store_bans(Some(&path), text.as_bytes()), Answer::Stored);
            assert_eq!(load_bans(Some(&path)), Answer::Bans(text.into()));
        }
        let names = fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(names, 1);
    }

    #[test]
    fn a_file_that_is_wrong_or_can_not_be_written_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bans");
        fs::write(&path, "# head\nBAN joe\n").unwrap();
        let Answer::Failed(why) = load_bans(Some(&path)) else { panic!("it is wrong") };
        assert!(why.ends_with("bans:2: a ban begins with KLINE or DLINE"), "{why}");
        let nowhere = folder.path().join("no folder").join("bans");
        assert!(matches!(store_bans(Some(&nowhere), b""), Answer::Failed(_)));
        assert_eq!(store_bans(None, b""), Answer::Unavailable);
    }
}
