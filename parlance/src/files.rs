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
        let mut bans = bans.map(BansFile::new);
        thread::Builder::new().name("files".into()).spawn(move || {
            for (task, reply) in jobs {
                reply(match (task, &mut bans) {
                    (Task::Configuration, _) => configuration(config.as_deref()),
                    (Task::LoadBans, Some(bans)) => bans.load(),
                    (Task::StoreBans(text), Some(bans)) => bans.store(text),
                    (Task::LoadBans | Task::StoreBans(_), None) => Answer::Unavailable,
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

/// The file of bans, and what the server knows of it.
struct BansFile {
    path: PathBuf,
    /// What was read or written last; nothing at first. If the file says something else, people have
    /// edited it.
    known: Vec<u8>,
}

impl BansFile {
    const fn new(path: PathBuf) -> Self {
        Self { path, known: Vec::new() }
    }

    fn load(&mut self) -> Answer {
        match read_bans(&self.path) {
            Ok(text) => {
                self.known.clone_from(&text);
                Answer::Bans(text)
            }
            Err(why) => Answer::Failed(why.to_string()),
        }
    }

    /// Writes these bans, but not over what people have written since.
    fn store(&mut self, text: Vec<u8>) -> Answer {
        let stored = self.check_unedited().and_then(|()| {
            replace(&self.path, &text)
                .map_err(|error| format!("cannot write {}: {error}", self.path.display()))
        });
        match stored {
            Ok(()) => {
                self.known = text;
                Answer::Stored
            }
            Err(why) => {
                error!("the bans could not be kept: {why}");
                Answer::Failed(why)
            }
        }
    }

    fn check_unedited(&self) -> Result<(), String> {
        match fs::read(&self.path) {
            // A file that is gone holds nothing that could be lost.
            Err(_) => Ok(()),
            Ok(text) if text == self.known => Ok(()),
            Ok(_) => Err(format!(
                "{} was edited: have it read with REHASH, then do this again",
                self.path.display()
            )),
        }
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
    let written = File::create(&new).and_then(|mut file| {
        file.write_all(text)?;
        file.sync_all()
    });
    if let Err(error) = written.and_then(|()| fs::rename(&new, path)) {
        // A part of a file is of no use, and the disk may be full.
        let _ = fs::remove_file(&new);
        return Err(error);
    }
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
        let mut bans = BansFile::new(folder.path().join("bans"));
        assert_eq!(bans.load(), Answer::Bans(Vec::new()));
        for text in ["KLINE *@bad.example :spam\n", "# none\n"] {
            assert_eq!(bans.store(text.into()), Answer::Stored);
            assert_eq!(bans.load(), Answer::Bans(text.into()));
        }
        let names = fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(names, 1);
    }

    #[test]
    fn a_file_that_is_wrong_or_can_not_be_written_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bans");
        fs::write(&path, "# head\nBAN joe\n").unwrap();
        let Answer::Failed(why) = BansFile::new(path).load() else { panic!("it is wrong") };
        assert!(why.ends_with("bans:2: a ban begins with KLINE or DLINE"), "{why}");
        let mut nowhere = BansFile::new(folder.path().join("no folder").join("bans"));
        assert!(matches!(nowhere.store(Vec::new()), Answer::Failed(_)));
    }

    #[test]
    fn what_people_wrote_is_not_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bans");
        let mut bans = BansFile::new(path.clone());
        assert_eq!(bans.load(), Answer::Bans(Vec::new()));
        for edited in ["KLINE *@bad.example :by hand\n", "KLINE with a slip\n"] {
            fs::write(&path, edited).unwrap();
            let Answer::Failed(why) = bans.store(b"# none\n".to_vec()) else { panic!("lost") };
            assert!(why.contains("was edited: have it read with REHASH"), "{why}");
            assert_eq!(fs::read_to_string(&path).unwrap(), edited);
        }
        fs::remove_file(&path).unwrap();
        assert_eq!(bans.store(b"# none\n".to_vec()), Answer::Stored);
        fs::write(&path, "KLINE *@bad.example :by hand\n").unwrap();
        assert!(matches!(bans.load(), Answer::Bans(_)));
        assert_eq!(bans.store(b"# none\n".to_vec()), Answer::Stored);
    }
}
