//! The verbs of a script's steps: what each takes, what it means, and how it is drawn.

/// How a step is drawn.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub(crate) enum Shape {
    /// Something that a client does.
    Deed,
    /// A fault of a moment.
    Mark,
    /// A fault for as many ms as the step says, or until the connection ends.
    Span,
    /// A fault for as many ms as the step says, whatever connections do.
    LongSpan,
    /// A fault until the connection ends.
    Rest,
    /// A fault for ten seconds.
    TenSeconds,
}

/// A verb: its name, what follows it, how it is drawn, whether it befalls the server itself, and what it
/// means.
pub(crate) struct Verb {
    pub(crate) name: &'static str,
    pub(crate) takes: &'static str,
    pub(crate) shape: Shape,
    pub(crate) server: bool,
    pub(crate) meaning: &'static str,
}

const fn deed(name: &'static str, takes: &'static str, meaning: &'static str) -> Verb {
    Verb { name, takes, shape: Shape::Deed, server: false, meaning }
}

const fn fault(
    name: &'static str,
    takes: &'static str,
    shape: Shape,
    meaning: &'static str,
) -> Verb {
    Verb { name, takes, shape, server: false, meaning }
}

const fn server(
    name: &'static str,
    takes: &'static str,
    shape: Shape,
    meaning: &'static str,
) -> Verb {
    Verb { name, takes, shape, server: true, meaning }
}

pub(crate) const VERBS: &[Verb] = &[
    deed("connect", "", "the client connects, and comes back whenever it loses its connection"),
    deed("quit", "", "the client says QUIT and stays away"),
    deed("join", "CHANNEL", "the client joins a channel"),
    deed("part", "CHANNEL", "the client leaves a channel"),
    deed("say", "CHANNEL LETTERS", "the client says something in a channel"),
    deed("tell", "CLIENT LETTERS", "the client says something to another client"),
    deed("flood", "CHANNEL LINES", "the client says many lines at once"),
    deed("rename", "", "the client takes another nick"),
    deed("ping", "", "the client sends PING, to learn what has been carried out"),
    deed("kick", "CHANNEL CLIENT", "the client puts another out of a channel"),
    deed("topic", "CHANNEL LETTERS", "the client sets a channel's topic"),
    deed("ask-topic", "CHANNEL", "the client asks for a channel's topic"),
    deed("invite", "CHANNEL CLIENT", "the client invites another to a channel"),
    deed("names", "CHANNEL", "the client asks who is in a channel"),
    deed("who", "CHANNEL", "the client asks who is in a channel, with more of each"),
    deed("who-all", "", "the client asks who there is"),
    deed("whois", "CLIENT", "the client asks who another is"),
    deed("list", "", "the client asks which channels there are"),
    deed("history", "CHANNEL", "the client asks what was said in a channel"),
    deed("hide", "", "the client hides from those who share no channel with it"),
    deed("show", "", "the client hides no more"),
    deed("away", "LETTERS", "the client is away, or is back"),
    deed("mode", "CHANNEL +LETTER CLIENT", "the client changes a channel's modes"),
    deed("ask-mode", "CHANNEL", "the client asks for a channel's modes"),
    fault("reset", "", Shape::Mark, "the connection is reset: what was under way is lost"),
    fault("replace", "", Shape::Mark, "the connection is reset, and the client is back at once"),
    fault("half-line", "", Shape::Mark, "the client ends its sending side in the middle of a line"),
    fault("half-close", "", Shape::Mark, "the client ends its sending side and still reads"),
    fault("vanish", "", Shape::Rest, "the client is gone, and nobody tells the server"),
    fault("stall-up", "MS", Shape::Span, "what the client sends waits in the network"),
    fault("stall-down", "MS", Shape::Span, "what the client is sent waits in the network"),
    fault("read-slowly", "MS", Shape::Span, "the client reads only a few bytes at a time"),
    fault("hold", "MS", Shape::LongSpan, "all between the client's host and the server waits"),
    fault("cut", "MS", Shape::LongSpan, "all between the client's host and the server is lost"),
    fault("cut-up", "MS", Shape::LongSpan, "all from the client's host to the server is lost"),
    fault("cut-down", "MS", Shape::LongSpan, "all from the server to the client's host is lost"),
    fault("delay", "MS", Shape::LongSpan, "the network to and from the client's host is slow"),
    server("wall-jump", "SECONDS", Shape::Mark, "the server's wall clock jumps by so many seconds"),
    server(
        "late-timers",
        "MS",
        Shape::TenSeconds,
        "the server's timers fire up to so many ms late",
    ),
    server(
        "late-answers",
        "MS",
        Shape::TenSeconds,
        "what the server asks its host is answered late",
    ),
    server(
        "lost-answers",
        "MS",
        Shape::LongSpan,
        "what the server asks its host is never answered",
    ),
    server(
        "refused-answers",
        "MS",
        Shape::LongSpan,
        "what the server asks its host can't be found out",
    ),
    server(
        "no-descriptors",
        "MS",
        Shape::LongSpan,
        "the server's system has no room for connections",
    ),
    server(
        "address-flood",
        "STRANGERS",
        Shape::Mark,
        "so many strangers connect at once, from one address",
    ),
    server(
        "hostile",
        "PIECES",
        Shape::Mark,
        "a stranger connects and sends so many pieces of anything",
    ),
    server("restart", "MS", Shape::LongSpan, "the server crashes, and starts again"),
    server(
        "power-loss",
        "MS",
        Shape::LongSpan,
        "the server is gone without a word, and starts again",
    ),
];

/// The verb of a step as a script has it. What is not in the table is a mark that means what it says.
pub(crate) fn verb(step: &str) -> &'static Verb {
    const OTHER: Verb = fault("other", "", Shape::Mark, "a step of the script");
    let name = step.split(' ').next().unwrap_or_default();
    VERBS.iter().find(|verb| verb.name == name).unwrap_or(&OTHER)
}

/// The first number of a step: for a fault that lasts, its ms.
pub(crate) fn ms(step: &str) -> u64 {
    step.split(' ').nth(1).and_then(|number| number.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{layer::Layer, profile::Profile};

    #[test]
    fn a_step_is_known_by_its_verb() {
        assert_eq!(verb("stall-up 300").shape, Shape::Span);
        assert_eq!(ms("stall-up 300"), 300);
        assert_eq!((verb("quit").shape, ms("quit")), (Shape::Deed, 0));
        assert_eq!(verb("dance 3").shape, Shape::Mark);
    }

    #[test]
    fn all_that_scripts_do_is_in_the_table() {
        for (layer, seed) in Layer::all().flat_map(|layer| (0..20).map(move |s| (layer, s))) {
            for step in layer.script(seed, &Profile::standard()).steps {
                let is_fault = step.action.is_fault();
                let step = step.action.to_string();
                let verb = verb(&step);
                assert_eq!(is_fault, verb.shape != Shape::Deed, "{step}");
                assert_ne!(verb.name, "other", "{step}");
                let taken = verb.takes.split_whitespace().count();
                assert_eq!(taken, step.split(' ').count() - 1, "{step}");
            }
        }
    }
}
