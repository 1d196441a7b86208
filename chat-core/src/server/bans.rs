//! Bans from the server, as connections feel them: refused, looked for, ended; and kept by the host.

use alloc::{boxed::Box, format, string::String, vec::Vec};

use super::{Server, ban_file, link::Purpose, links::Banned};
use crate::{
    Answer, ConnId, Output, Report, Request, Ticket,
    network::{BanChange, BanTarget, Op, Origin, names_of},
    wire::numeric::ERR_YOUREBANNEDCREEP,
};

/// Comparisons of a ban with a connection that one call makes.
const LOOKS: usize = 16_384;

/// A look at all connections for those that bans are of.
pub(super) struct Sweep {
    /// The index of the next connection.
    from: u32,
    /// This ban alone; else all of them.
    only: Option<BanTarget>,
}

impl Server {
    /// Asks the host for the bans that it has kept; `by` is told if they can't be read.
    pub(super) fn load_bans(&mut self, by: Option<ConnId>) {
        // A server that stops lets nobody in.
        if self.config.keep_bans && !self.stopping {
            self.bans_asked = Some((self.ask_alone(Request::LoadBans), by));
        }
    }

    /// Takes what the host has kept. Whether this was the answer that was waited for.
    pub(super) fn bans_loaded(&mut self, ticket: Ticket, answer: &Answer) -> bool {
        let Some((_, by)) = self.bans_asked.take_if(|(asked, _)| *asked == ticket) else {
            return false;
        };
        let why = match answer {
            Answer::Bans(text) => match ban_file::read(text) {
                Ok(bans) => {
                    let report = Report::BansLoaded { bans: bans.len() };
                    self.links.outputs.push(Output::Report(report));
                    self.apply(Origin::default(), Op::SetBans(bans));
                    self.sweep = Some(Sweep { from: 0, only: None });
                    return true;
                }
                Err(error) => format!("{error}"),
            },
            Answer::Failed(why) => why.clone(),
            _ => "the host could not read them".into(),
        };
        if let Some(conn) = by {
            let text = format!("The bans could not be read: those in force stay: {why}");
            self.notice(conn, text.as_bytes());
        }
        self.links.outputs.push(Output::Report(Report::BansNotLoaded { why }));
        true
    }

    /// What follows from changes of the bans: they are looked for, kept, and told.
    pub(super) fn follow_bans(&mut self) {
        for Banned { conn, target, change } in core::mem::take(&mut self.links.banned) {
            let (kind, of) = (target.kind().as_str(), target.text());
            let of = String::from_utf8_lossy(&of).into_owned();
            match change {
                BanChange::Missing => {
                    let text = format!("There is no {kind} of {of}");
                    let command = format!("UN{kind}");
                    self.refuse(conn, &command, "NO_SUCH_BAN", &[of.as_bytes()], &text);
                }
                BanChange::Full => {
                    let most = self.config.limits.server_bans;
                    let text = format!("There are {most} bans: lift some first");
                    self.refuse(conn, kind, "TOO_MANY_BANS", &[of.as_bytes()], &text);
                }
                BanChange::Lifted => {
                    self.report_act(conn, format!("lifted the {kind} of {of}"));
                    self.keep_bans(conn, format!("The {kind} of {of} is lifted"));
                }
                BanChange::Set => {
                    self.report_act(conn, format!("set a {kind} of {of}"));
                    // With another look under way, all bans are looked for.
                    let only = if self.sweep.is_some() { None } else { Some(target) };
                    self.sweep = Some(Sweep { from: 0, only });
                    self.keep_bans(conn, format!("The {kind} of {of} is set"));
                }
            }
        }
    }

    /// Has the host keep the bans, and then tells whoever changed them.
    fn keep_bans(&mut self, conn: ConnId, done: String) {
        if !self.config.keep_bans {
            return self.notice(conn, done.as_bytes());
        }
        let request = Request::StoreBans(ban_file::write(self.network.bans(self.links.now.wall)));
        let waits =
            self.links.get(conn).is_some_and(|link| !link.is_dying() && link.asking.is_none());
        if waits {
            self.ask(conn, Purpose::Bans(done), request);
        } else {
            self.ask_alone(request);
        }
        // What is on its way to be loaded is older than this.
        if let Some((_, by)) = self.bans_asked {
            self.load_bans(by);
        }
    }

    /// The bans are kept, or not.
    pub(super) fn bans_kept(&mut self, conn: ConnId, done: &str, answer: &Answer) {
        let text = match answer {
            Answer::Stored => done.into(),
            Answer::Failed(why) => format!("{done}, but only until the server ends: {why}"),
            _ => format!("{done}, but only until the server ends: it could not be kept"),
        };
        self.notice(conn, text.as_bytes());
    }

    /// Looks at some more connections for those that bans are of, and ends them.
    #[cold]
    pub(super) fn sweep(&mut self) {
        let Some(Sweep { from, only }) = self.sweep.take() else { return };
        let now = self.links.now.wall;
        let each = if only.is_some() { 1 } else { self.network.bans(now).count().max(1) };
        let most = (LOOKS / each).max(1);
        let mut next = None;
        let mut found: Vec<(ConnId, Box<[u8]>)> = Vec::new();
        for (seen, (conn, link)) in self.links.arena.iter_from(from).enumerate() {
            if seen == most {
                next = Some(conn.index);
                break;
            }
            let user = link.user().and_then(|id| self.network.user(id));
            // An operator is not locked out by a slip of the own hand.
            if link.is_dying() || user.is_some_and(|user| user.modes.oper) {
                continue;
            }
            let names =
                user.map_or_else(Vec::new, |user| names_of(&user.user, &user.host, &user.address));
            let is_of = |target: &BanTarget| {
                link.address.is_some_and(|address| target.is_of_address(address))
                    || target.is_of_user(&names)
            };
            let mut bans = self.network.bans(now);
            let ban = bans.find(|ban| {
                only.as_ref().is_none_or(|only| ban.target == *only) && is_of(&ban.target)
            });
            found.extend(ban.map(|ban| (conn, ban.reason.clone())));
        }
        self.sweep = next.map(|from| Sweep { from, only });
        for (conn, reason) in found {
            self.reply_text(conn, ERR_YOUREBANNEDCREEP, &[], Some(&banned_text(&reason)));
            self.end(conn, &why_banned(&reason));
        }
    }
}

/// The text of 465.
pub(super) fn banned_text(reason: &[u8]) -> Vec<u8> {
    [b"You are banned from this server: ", reason].concat()
}

/// Why a connection ends.
pub(super) fn why_banned(reason: &[u8]) -> Vec<u8> {
    [b"Banned (", reason, b")"].concat()
}
