//! What each client believes, from nothing but the lines that it was sent, is what the server holds:
//! members and their ranks, modes, keys, limits, lists, topics, nicks, hosts, real names, who is
//! away. For any sequence of commands, and for clients with different capabilities.

#[path = "../support/mod.rs"]
mod support;
mod view;

use proptest::prelude::*;

use support::{Came, Stage, config};
use view::View;

/// What the clients of a case have asked for.
const CAPS: [&str; 4] = [
    "",
    "multi-prefix away-notify extended-join setname chghost draft/channel-rename",
    "multi-prefix userhost-in-names server-time message-tags",
    "away-notify extended-join labeled-response batch echo-message setname",
];

const CLIENTS: usize = CAPS.len();

/// One thing that one client does.
#[derive(Clone, Debug)]
struct Act {
    client: usize,
    line: String,
}

fn any_line() -> impl Strategy<Value = String> {
    let channel = || prop::sample::select(vec!["#a", "#a", "#A", "#b", "#c"]);
    let nick = || prop::sample::select(vec!["n0", "n1", "N1", "n2", "n3", "x", "X", "y"]);
    let key = || prop::sample::select(vec!["", "", "k1", "k2"]);
    let word = || prop::sample::select(vec!["", "one", "two words", ":three"]);
    let change = prop_oneof![
        prop::sample::select(vec!["i", "m", "n", "p", "s", "t", "C"]).prop_map(|m| (m, "")),
        (prop::sample::select(vec!["q", "a", "o", "h", "v"]), nick()),
        (prop::sample::select(vec!["b", "b", "e", "I"]), prop::sample::select(vec!["x", "X", "y"])),
        (Just("k"), prop::sample::select(vec!["k1", "k2"])),
        (Just("l"), prop::sample::select(vec!["1", "2", "3", "9"])),
    ];
    let changes = prop::collection::vec((any::<bool>(), change), 1..5).prop_map(|changes| {
        let sign = |add| if add { '+' } else { '-' };
        let letters: String =
            changes.iter().map(|(add, (letter, _))| format!("{}{letter}", sign(*add))).collect();
        let takes = |add: bool, letter: &str| !"imnpstC".contains(letter) && (add || letter != "l");
        let params = changes.iter().filter(|(add, (letter, _))| takes(*add, letter));
        params.fold(letters, |line, (_, (_, param))| line + " " + param)
    });
    prop_oneof![
        6 => (channel(), key()).prop_map(|(c, k)| format!("JOIN {c} {k}")),
        1 => (channel(), channel()).prop_map(|(c, d)| format!("JOIN {c},{d}")),
        2 => (channel(), word()).prop_map(|(c, w)| format!("PART {c} :{w}")),
        1 => Just("JOIN 0".to_owned()),
        3 => nick().prop_map(|n| format!("NICK {n}")),
        3 => (channel(), word()).prop_map(|(c, w)| format!("TOPIC {c} :{w}")),
        8 => (channel(), changes).prop_map(|(c, m)| format!("MODE {c} {m}")),
        3 => (channel(), nick(), word()).prop_map(|(c, n, w)| format!("KICK {c} {n} :{w}")),
        2 => (nick(), channel()).prop_map(|(n, c)| format!("INVITE {n} {c}")),
        2 => word().prop_map(|w| format!("AWAY :{w}")),
        1 => word().prop_map(|w| format!("SETNAME :{w}")),
        1 => (channel(), word()).prop_map(|(c, w)| format!("PRIVMSG {c} :{w}")),
        1 => (channel(), channel(), word()).prop_map(|(c, d, w)| format!("RENAME {c} {d} :{w}")),
        1 => word().prop_map(|w| format!("QUIT :{w}")),
        1 => Just("MODE n0 +o".to_owned()),
    ]
}

fn any_act() -> impl Strategy<Value = Act> {
    (0..CLIENTS, any_line()).prop_map(|(client, line)| Act { client, line })
}

/// The clients of a case and what each believes.
struct Case {
    stage: Stage,
    views: Vec<View>,
    /// How often each has connected.
    lives: [usize; CLIENTS],
}

impl Case {
    fn new() -> Self {
        let mut config = config();
        config.limits.channels_per_user = 3;
        config.limits.list_entries = 2;
        let mut case = Self {
            stage: Stage::new(config),
            views: CAPS.iter().map(|_| View::default()).collect(),
            lives: [0; CLIENTS],
        };
        for client in 0..CLIENTS {
            case.connect(client);
        }
        case
    }

    fn connect(&mut self, client: usize) {
        let (life, caps) = (self.lives[client], CAPS[client]);
        self.lives[client] += 1;
        self.views[client] = View::default();
        self.stage.open(&name(client));
        for cap in caps.split_whitespace() {
            self.send(client, &format!("CAP REQ :{cap}"));
        }
        self.send(client, "CAP END");
        // A name that nobody else has: the pool's may be in use.
        let nick = if life == 0 { format!("n{client}") } else { format!("n{client}_{life}") };
        self.send(client, &format!("NICK {nick}"));
        self.send(client, &format!("USER u{client} 0 * :Real {client}"));
        assert!(!self.views[client].nick.is_empty(), "{client} has not registered");
    }

    /// Sends a line, and lets every client take what came of it.
    fn send(&mut self, client: usize, line: &str) {
        if self.stage.is_open(&name(client)) {
            self.stage.send(&name(client), line);
        }
        for (to, came) in core::mem::take(&mut self.stage.inbox) {
            let to: usize = to[1..].parse().expect("a client's number");
            match came {
                Came::Line(line) => {
                    self.views[to].take(&String::from_utf8(line).expect("we sent UTF-8"));
                }
                Came::Closed => self.views[to].closed = true,
            }
        }
    }

    fn act(&mut self, act: &Act) {
        self.send(act.client, &act.line);
        for client in 0..CLIENTS {
            if self.views[client].closed {
                self.connect(client);
            }
            // As clients do: who is in a channel and does not know it asks.
            while let Some(channel) = self.views[client].unknown() {
                for question in ["MODE #", "MODE # b", "WHO #"] {
                    self.send(client, &question.replace('#', &channel));
                }
                self.views[client].asked(&channel);
            }
        }
    }

    /// Asks the server for all of it, and compares.
    fn check(&mut self) {
        for client in 0..CLIENTS {
            for channel in self.views[client].channels() {
                let mut fresh = self.views[client].blank(&channel);
                core::mem::swap(&mut self.views[client], &mut fresh);
                for question in ["TOPIC #", "NAMES #", "MODE #", "MODE # b", "WHO #"] {
                    self.send(client, &question.replace('#', &channel));
                }
                core::mem::swap(&mut self.views[client], &mut fresh);
                self.views[client].compare(&channel, &fresh);
            }
        }
    }
}

fn name(client: usize) -> String {
    format!("c{client}")
}

fn play(acts: &[Act]) {
    let mut case = Case::new();
    for act in acts {
        case.act(act);
    }
    case.check();
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 256,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn what_each_client_believes_is_what_the_server_holds(
        acts in prop::collection::vec(any_act(), 1..120),
    ) {
        play(&acts);
    }
}
