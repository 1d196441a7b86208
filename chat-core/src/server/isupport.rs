//! The table of ISUPPORT tokens: what the server tells of itself in 005.
//!
//! Specification: <https://modern.ircdocs.horse/#rplisupport-parameters>; IRCv3 for those of its
//! extensions. Each token is enforced, with the bounds in force.

use alloc::{format, string::String, vec::Vec};

use crate::{Config, Limits, network::ChannelMode};

/// One token.
pub(crate) struct Token {
    pub(crate) name: &'static str,
    /// What it says, in one sentence, for the documentation.
    pub(crate) about: &'static str,
    value: Value,
}

/// A token's value.
enum Value {
    /// The name alone says it.
    None,
    Fixed(&'static str),
    /// The name alone, if it is so.
    Flag(fn(&Config) -> bool),
    /// A bound.
    Limit(fn(&Limits) -> usize),
    /// Anything else; `None`: the token is not sent.
    Made(fn(&Config) -> Option<String>),
}

use Value::{Fixed, Flag, Limit, Made, None as Bare};

const fn token(name: &'static str, about: &'static str, value: Value) -> Token {
    Token { name, about, value }
}

/// All tokens, by name.
pub(crate) const TOKENS: &[Token] = &[
    token("ACCOUNTEXTBAN", "The extended mask that is for an account.", Fixed("a")),
    token("AWAYLEN", "Bytes of an away message.", Limit(|limits| limits.away_len)),
    token("BOT", "The user mode of bots, and their flag in WHO.", Fixed("B")),
    token(
        "CASEMAPPING",
        "How nicks and channel names are compared.",
        Made(|config| Some(config.casemapping.as_str().into())),
    ),
    token(
        "CHANLIMIT",
        "Channels that one user may be in.",
        Made(|config| Some(format!("#:{}", config.limits.channels_per_user))),
    ),
    token(
        "CHANMODES",
        "Channel modes: lists; always with a parameter; with one when set; without.",
        Made(|_| Some(ChannelMode::chanmodes())),
    ),
    token("CHANNELLEN", "Bytes of a channel's name.", Limit(|limits| limits.channel_len)),
    token("CHANTYPES", "What a channel's name begins with.", Fixed("#")),
    token(
        "CHATHISTORY",
        "Messages that one CHATHISTORY gives.",
        Made(|config| {
            let Limits { history_lines, history_answer, .. } = config.limits;
            (history_lines > 0).then(|| format!("{history_answer}"))
        }),
    ),
    token(
        "CLIENTTAGDENY",
        "Client-only tags that are taken off messages.",
        Made(|config| {
            let tags = &config.client_tags_denied;
            (!tags.is_empty()).then(|| tags.join(","))
        }),
    ),
    token(
        "ELIST",
        "Conditions of LIST: time since creation, masks, negative masks, time since the topic was \
         set, number of members.",
        Fixed("CMNTU"),
    ),
    token("EXCEPTS", "The list of who is exempt from bans.", Fixed("e")),
    token("EXTBAN", "Masks of another kind: by account, and to mute only.", Fixed(",am")),
    token("HOSTLEN", "Bytes of a host.", Fixed("64")),
    token("INVEX", "The list of who needs no invitation.", Fixed("I")),
    token("KEYLEN", "Bytes of a channel's key.", Limit(|limits| limits.key_len)),
    token("KICKLEN", "Bytes of a kick's reason.", Limit(|limits| limits.kick_len)),
    token("LINELEN", "Bytes of a line, its end included and its tags not.", Fixed("512")),
    token(
        "MAXLIST",
        "Entries of each of a channel's lists.",
        Made(|config| Some(max_list(config.limits.list_entries))),
    ),
    token("MAXTARGETS", "Targets of one command.", Limit(|limits| limits.targets)),
    token("MODES", "Mode changes with a parameter in one MODE.", Limit(|limits| limits.modes)),
    token("MONITOR", "Nicks that a connection may watch.", Limit(|limits| limits.monitor)),
    token(
        "MSGREFTYPES",
        "How CHATHISTORY may name a point, the best first.",
        Made(|config| (config.limits.history_lines > 0).then(|| "msgid,timestamp".into())),
    ),
    token("NAMELEN", "Bytes of a real name.", Limit(|limits| limits.real_len)),
    token("NETWORK", "The network's name.", Made(|config| Some(config.network.clone()))),
    token("NICKLEN", "Bytes of a nick.", Limit(|limits| limits.nick_len)),
    token(
        "PREFIX",
        "The ranks of members: modes and prefixes.",
        Made(|_| Some(ChannelMode::prefix())),
    ),
    token("SAFELIST", "LIST never ends the connection, however long the list.", Bare),
    token(
        "STATUSMSG",
        "Prefixes that address a part of a channel's members.",
        Made(|_| Some(ChannelMode::prefixes())),
    ),
    token("TARGMAX", "Targets of each command.", Made(targmax)),
    token("TOPICLEN", "Bytes of a topic.", Limit(|limits| limits.topic_len)),
    token("USERLEN", "Bytes of a user name.", Limit(|limits| limits.user_len)),
    token("UTF8ONLY", "Lines that are not UTF-8 are refused.", Flag(|config| config.utf8_only)),
    token("WHOX", "WHO takes fields and a token.", Bare),
    token("draft/ICON", "Where a picture of the network is.", Made(icon)),
];

fn icon(config: &Config) -> Option<String> {
    (!config.icon.is_empty()).then(|| config.icon.clone())
}

fn targmax(config: &Config) -> Option<String> {
    let most = config.limits.targets;
    let many = ["JOIN", "KICK", "LIST", "NOTICE", "PART", "PRIVMSG", "TAGMSG", "WHOIS", "WHOWAS"];
    let mut value: Vec<String> = many.iter().map(|name| format!("{name}:{most}")).collect();
    // More are answered one by one, each with its own end; who asks for a list may await one end.
    value.push("NAMES:1".into());
    value.push("USERHOST:5".into());
    Some(value.join(","))
}

impl Token {
    /// The token as it is sent, `NAME` or `NAME=value`; `None` if this configuration has none.
    pub(crate) fn text(&self, config: &Config) -> Option<String> {
        match self.value {
            Bare => Some(self.name.into()),
            Fixed(value) => Some(format!("{}={value}", self.name)),
            Flag(is_so) => is_so(config).then(|| self.name.into()),
            Limit(limit) => Some(format!("{}={}", self.name, limit(&config.limits))),
            Made(make) => make(config).map(|value| format!("{}={value}", self.name)),
        }
    }
}

/// Tokens as lines: at most 13 in each, and as many as fit into so many bytes, a space before each.
pub(crate) fn lines(tokens: &[String], room: usize) -> Vec<&[String]> {
    let (mut lines, mut from, mut used) = (Vec::new(), 0, 0);
    for (at, token) in tokens.iter().enumerate() {
        let full = at - from == 13 || used + 1 + token.len() > room;
        if full && at > from {
            lines.push(&tokens[from..at]);
            (from, used) = (at, 0);
        }
        used += 1 + token.len();
    }
    if from < tokens.len() {
        lines.push(&tokens[from..]);
    }
    lines
}

/// All tokens as they are sent.
pub(crate) fn tokens(config: &Config) -> Vec<String> {
    TOKENS.iter().filter_map(|token| token.text(config)).collect()
}

/// What has changed from one configuration to the next: tokens as they are now, and `-NAME` for
/// those that are gone.
pub(crate) fn changes(old: &Config, new: &Config) -> Vec<String> {
    let change = |token: &Token| match (token.text(old), token.text(new)) {
        (was, is) if was == is => None,
        (_, Some(is)) => Some(is),
        (_, None) => Some(format!("-{}", token.name)),
    };
    TOKENS.iter().filter_map(change).collect()
}

/// The lists one by one: letters that share a number would share its room.
fn max_list(most: usize) -> String {
    let lists: Vec<_> =
        ChannelMode::lists().chars().map(|letter| format!("{letter}:{most}")).collect();
    lists.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_says_what_each_token_is() {
        assert!(TOKENS.is_sorted_by_key(|token| token.name));
        assert!(TOKENS.iter().all(|token| token.about.ends_with('.')));
    }

    #[test]
    fn there_is_nothing_of_history_without_one() {
        let mut config = Config::default();
        config.limits.history_answer = 50;
        let of_history =
            |token: &String| token == "CHATHISTORY=50" || token == "MSGREFTYPES=msgid,timestamp";
        assert_eq!(tokens(&config).iter().filter(|token| of_history(token)).count(), 2);
        config.limits.history_lines = 0;
        let named = |token: &String| {
            ["CHATHISTORY", "MSGREFTYPES"].iter().any(|name| token.starts_with(name))
        };
        assert!(!tokens(&config).iter().any(named));
    }

    #[test]
    fn what_clients_look_for_is_there() {
        let known = "CASEMAPPING CHANTYPES PREFIX CHANMODES NETWORK NICKLEN CHANNELLEN TOPICLEN \
            USERLEN HOSTLEN LINELEN STATUSMSG WHOX MONITOR BOT ELIST TARGMAX MODES UTF8ONLY \
            CHATHISTORY MSGREFTYPES";
        let tokens = tokens(&Config::default());
        for name in known.split_whitespace() {
            let is_it = |token: &String| token.split('=').next() == Some(name);
            assert!(tokens.iter().any(is_it), "{name}");
        }
    }

    #[test]
    fn tokens_have_the_form_that_is_specified() {
        for token in tokens(&Config::default()) {
            let name = token.split('=').next().unwrap_or_default();
            assert!(
                name.len() <= 20
                    && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
            );
            assert!(token.bytes().all(|byte| byte.is_ascii_graphic()), "{token}");
        }
    }

    #[test]
    fn a_line_has_13_tokens_at_most_and_no_byte_too_many() {
        let tokens: Vec<String> = (10..50).map(|number| format!("A={number}")).collect();
        let sizes = |room: usize| -> Vec<usize> {
            lines(&tokens, room).iter().map(|line| line.len()).collect()
        };
        assert_eq!(sizes(1000), [13, 13, 13, 1]);
        assert_eq!(sizes(25), [5; 8]);
        assert_eq!(sizes(1), [1; 40]);
        assert!(lines(&[], 100).is_empty());
    }

    #[test]
    fn what_changes_is_told_with_its_new_value_or_taken_back() {
        let old = Config { icon: "https://example.org/a.png".into(), ..Config::default() };
        let mut new = Config::default();
        new.limits.targets = 9;
        let told = changes(&old, &new);
        assert!(told.contains(&"-draft/ICON".into()) && told.contains(&"MAXTARGETS=9".into()));
        assert!(changes(&old, &old).is_empty());
    }

    #[test]
    fn no_token_has_a_space() {
        assert!(tokens(&Config::default()).iter().all(|token| !token.contains(' ')));
    }
}
