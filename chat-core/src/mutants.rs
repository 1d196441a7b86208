//! Known bugs, one of which may be switched on in a thread: whoever tests a server must see each.
//!
//! This is there with the feature `mutants` alone, which nothing but tests may enable. Without it
//! [`mutant!`](crate::mutant) is never true, and the bugs are not in the program.

use core::{cell::Cell, fmt};

use std::string::ToString as _;

/// Whether the bug of this name is to be made here, or what stands here with it and without it.
#[doc(hidden)]
#[macro_export]
macro_rules! mutant {
    ($name:ident) => {
        $crate::mutants::is_active($crate::mutants::Mutant::$name)
    };
    ($name:ident => $wrong:expr, else $right:expr) => {
        if $crate::mutant!($name) { $wrong } else { $right }
    };
}

/// Where a bug is made.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub enum Place {
    /// In the core.
    Core,
    /// In `runtime`.
    Runtime,
    /// In `runtime-mio`.
    Mio,
    /// In `runtime-tokio`.
    Tokio,
}

std::thread_local! {
    static ACTIVE: Cell<Option<Mutant>> = const { Cell::new(None) };
}

/// Switches a bug on in this thread, in place of the one before; `None`: the program as it is.
pub fn activate(mutant: Option<Mutant>) {
    ACTIVE.set(mutant);
}

/// The bug that is switched on in this thread.
#[must_use]
pub fn active() -> Option<Mutant> {
    ACTIVE.get()
}

/// Whether this bug is switched on in this thread.
#[must_use]
pub fn is_active(mutant: Mutant) -> bool {
    active() == Some(mutant)
}

impl Mutant {
    /// The bug of that name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|mutant| mutant.to_string() == name)
    }
}

impl fmt::Display for Mutant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// Makes [`Mutant`] of a table: place and file, then each bug's name and what is wrong.
macro_rules! mutants {
    ($($place:ident $file:literal { $($name:ident: $wrong:literal,)+ })+) => {
        /// A known bug.
        #[derive(Copy, Clone, Debug, Eq, PartialEq)]
        pub enum Mutant {
            $($(#[doc = $wrong] $name,)+)+
        }

        impl Mutant {
            /// All of them.
            pub const ALL: &[Self] = &[$($(Self::$name,)+)+];

            /// What is wrong.
            #[must_use]
            pub const fn wrong(self) -> &'static str {
                match self { $($(Self::$name => $wrong,)+)+ }
            }

            /// The part of the program in which it is made.
            #[must_use]
            pub const fn place(self) -> Place {
                match self { $($(Self::$name => Place::$place,)+)+ }
            }

            /// The file in which it is made.
            #[must_use]
            pub const fn file(self) -> &'static str {
                match self { $($(Self::$name => $file,)+)+ }
            }
        }
    };
}

mutants! {
    Core "wire/frame.rs" {
        LineEndAtBoundaryMissed: "A line end that begins a piece of the stream is not seen.",
    }
    Core "server/run.rs" {
        LastByteOfPieceDropped: "Of half a line that waits, the last byte is lost.",
        LaterBytesFirst: "Bytes that come while others wait are put before them.",
        NeverReadsAgain: "A connection whose reading was stopped is never read again.",
        ReadingNeverStopped: "The host is not told to stop reading while lines wait.",
        LongReadForgotten: "A long read ends after its first step.",
        BudgetWaitForgotten: "A connection that waits for budget alone is forgotten.",
    }
    Core "server/mod.rs" {
        PingKeptPending: "What a client sends does not stop the ping timeout.",
        SendqTotalIgnored: "Nobody is ended for what all owe together.",
        NotResumed: "A connection whose outbox was above sendq_soft is not resumed below it.",
    }
    Core "server/outbox/mod.rs" {
        ByteLostAfterPartialWrite: "After a partial write the next byte is lost.",
        GapSent: "A range that is lengthened takes in lines between that were for others.",
        SecondBlockedMisses: "Of those who are blocked, only the first gets a line.",
        OldestNeverReset: "The age of unsent bytes is not reset when some of them leave.",
        LentDropped: "Of a connection that is ended, what the host is writing is dropped.",
        RestNotFlushed: "After a write of the host's most bytes no further flush is asked for.",
        TornLineKept: "The last ERROR is written into the middle of a line.",
        HeldNeverReleased: "What a closed outbox held is counted for ever.",
    }
    Core "server/links.rs" {
        SendqHardIgnored: "Nobody is ended for what it owes alone.",
        FirstMemberMissed: "What concerns all of a channel is not told to its first member.",
        PeersToldTwice: "Who shares two channels with somebody hears of QUIT and NICK twice.",
        FirstChannelMissed: "QUIT and NICK are not told to the first of a user's channels.",
        EchoUnasked: "Senders hear their own messages without echo-message.",
    }
    Core "server/link.rs" {
        RegistrationEndless: "A connection may take any time to register.",
        FloodWaitForgotten: "A connection without rate left is not looked at again when it has some.",
    }
    Core "server/lifetime.rs" {
        PingNeverSent: "Silent connections are not pinged.",
        DrainEndless: "A connection that is being closed may take any time.",
        ErrorMissing: "A connection is ended without ERROR.",
        ClosedUnflushed: "A connection is closed before its last lines are sent.",
        ResetUserStays: "The user of a connection that was reset does not quit.",
    }
    Core "server/timers.rs" {
        EarlierDeadlineIgnored: "A deadline is not moved to an earlier time.",
        HeapNotMended: "A deadline that moves to a later time hides earlier ones.",
    }
    Core "server/batch.rs" {
        LabelLost: "A labeled answer of one line has no label.",
        AckMissing: "A labeled command without an answer is not acknowledged.",
        BatchNotClosed: "The batch of a labeled answer is not ended.",
    }
    Core "server/query/list.rs" {
        SecretListed: "LIST tells of secret channels.",
    }
    Core "server/query/mod.rs" {
        InvisibleFound: "WHO finds invisible users.",
    }
    Core "server/command/history.rs" {
        HistoryToAll: "CHATHISTORY tells what was said in a channel to those outside.",
    }
    Core "network/mod.rs" {
        SecretMembershipTold: "WHO, WHOIS and NAMES tell of memberships in secret channels.",
        InvisibleNamed: "WHO, WHOIS and NAMES tell in which channels invisible users are.",
    }
    Core "network/apply/channel.rs" {
        FirstJoinerNoOp: "Who makes a channel is not its operator.",
        BanIgnored: "Who is banned may join.",
        InviteOnlyIgnored: "Nobody needs an invitation.",
        KeyIgnored: "Nobody needs a key.",
        LimitOffByOne: "One more joins than the limit says.",
        TopicLockIgnored: "Anybody sets a topic that is locked.",
        PartToldToLeaverAlone: "Only who parts is told.",
        AnybodyKicks: "Who is no operator may kick.",
        KickToldToVictimAlone: "Only who is kicked is told.",
        KickedStays: "Who is kicked stays a member.",
    }
    Core "network/apply/mod.rs" {
        EmptyChannelStays: "A channel without members keeps its modes and topic.",
    }
    Core "network/apply/mode.rs" {
        ModeNotToldToSetter: "Who changes modes is not told of it.",
        AnybodyChangesModes: "Who is no operator may change modes.",
    }
    Core "network/apply/message.rs" {
        NoExternalIgnored: "Who is no member may speak in a channel.",
        ModeratedIgnored: "Everybody may speak in a moderated channel.",
        DeliveredAndRefused: "A message to a user is delivered and answered with 401.",
    }
    Core "network/lookalikes.rs" {
        NickTakenTwice: "Anybody may take a nick that is in use.",
    }
    Core "network/apply/user.rs" {
        NickNotToldToOneself: "Who changes nick is not told.",
        MembershipOutlivesQuit: "Who quits stays in the first of its channels.",
    }
    Runtime "runtime/src/peer.rs" {
        InterruptedWriteFails: "A write that was interrupted ends the connection.",
        ShortWriteWaits: "After a short write readiness is waited for that need not come.",
        BlockedRestLost: "What a full socket does not take is counted as sent.",
    }
    Runtime "runtime/src/driver.rs" {
        ResumedUnread: "What came while nothing was read is not read when reading goes on.",
        SecondFlushDropped: "A second flush in one turn is forgotten.",
    }
    Runtime "runtime/src/door.rs" {
        SecondNewcomerLost: "Of newcomers who come together the second is dropped.",
    }
    Mio "runtime-mio/src/edge.rs" {
        MioShortReadIsLast: "A read that does not fill its buffer is taken for the last.",
        MioInterruptedReadFails: "A read that was interrupted ends the connection.",
    }
    Tokio "runtime-tokio/src/server.rs" {
        TokioSecondWakeLost: "Of those who are woken together only the first is looked at.",
    }
}
