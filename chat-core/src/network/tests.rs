//! The shared state alone: what a log of entries makes of it.

use alloc::{collections::BTreeSet, vec, vec::Vec};

use proptest::prelude::*;

use super::*;
use crate::wire::{Numeric, Standard};

/// Hears nothing.
struct Deaf;

impl Sink for Deaf {
    fn deliver(&mut self, _: &Network, _: &Delivery<'_>) {}
    fn reply(&mut self, _: &Network, _: &Origin, _: Numeric, _: &[&[u8]]) {}
    fn standard(&mut self, _: &Origin, _: &Standard<'_>) {}
    fn registered(&mut self, _: &Network, _: &Origin, _: UserId) {}
    fn refused(&mut self, _: &Network, _: &Origin, _: &[u8]) {}
    fn joined(&mut self, _: &Network, _: &Origin, _: ChannelId) {}
    fn opered(&mut self, _: &Network, _: &Origin, _: &[u8]) {}
    fn barred(&mut self, _: &Network, _: &Origin, _: &[u8]) {}
    fn banned(&mut self, _: &Network, _: &Origin, _: &BanTarget, _: BanChange) {}
    fn expelled(&mut self, _: &Network, _: UserId, _: &[u8]) {}
    fn metadata_cleared(&mut self, _: &Network, _: &Origin, _: &[u8], _: &Metadata) {}
    fn departing(&mut self, _: &Network, _: UserId) {}
}

/// The first entry of every log.
fn found() -> (u64, Op<'static>) {
    let config = NetworkConfig {
        channels_per_user: 3,
        key_len: 32,
        list_entries: 2,
        list_total: 160,
        invites: 2,
        history_lines: 3,
        history_talks: 2,
        history_bytes: 2000,
        whowas: 2,
        cloak: Some((*b"ip").into()),
        server_bans: 2,
        metadata_keys: 2,
        metadata_total: 200,
        ..NetworkConfig::default()
    };
    (0, Op::Found { key: HashKey(1, 2), config })
}

/// An operation of one of a few sessions on a few names, so that they meet.
fn any_op() -> impl Strategy<Value = (u64, Op<'static>)> {
    let nick = prop::sample::select(vec![&b"ann"[..], b"Bob", b"bob", b"cat", b"dan"]);
    let channel = prop::sample::select(vec![&b"#a"[..], b"#B", b"#b", b"#c", b"#d"]);
    let op =
        (0..27_u8, nick, channel, any::<bool>(), prop::sample::select(&b"qaohvbeIklCimnpst"[..]));
    let op = op.prop_map(|(which, nick, channel, add, letter)| match which {
        0 | 1 => {
            let metadata = if add { vec![(&b"a"[..], nick)] } else { vec![] };
            Op::Register { nick, user: b"u", host: b"192.0.2.1", real: b"r", away: None, metadata }
        }
        2 => Op::Nick(nick),
        3..=5 => Op::Join { channel, key: add.then_some(nick) },
        6 => Op::Part { channel, reason: b"" },
        7 => Op::Message { kind: MessageKind::Privmsg, target: channel, text: b"t", tags: b"" },
        8 => Op::Topic { channel, text: nick },
        9 => {
            let param: &[u8] = if letter == b'l' { b"2" } else { nick };
            Op::ChannelMode {
                channel,
                changes: vec![ModeChange { add, letter, param: Some(param) }],
            }
        }
        10 => Op::Kick { channel, nick, reason: b"" },
        11 => Op::Invite { nick, channel },
        12 => {
            let letter = if letter.is_ascii_lowercase() { b'i' } else { b'x' };
            Op::UserMode { changes: vec![ModeChange { add, letter, param: None }] }
        }
        13 => Op::Away(if add { b"away" } else { b"" }),
        14 => Op::SetName(nick),
        15 => Op::Oper { name: nick },
        16 => Op::Kill { nick, reason: b"r" },
        17 => Op::Ban { target: target(nick), seconds: add.then_some(5), reason: b"r" },
        18 => Op::Unban { target: target(nick) },
        19..=21 => {
            let value = (letter != b'm').then_some(&channel[..1]);
            let key = if letter < b'l' { &b"a"[..] } else { b"b" };
            Op::SetMetadata { target: if add { b"*" } else { channel }, key, value }
        }
        22 if add => Op::ClearMetadata { target: channel },
        23 => Op::Message { kind: MessageKind::Notice, target: nick, text: b"u", tags: b"+x" },
        24 => Op::Rename { channel, to: if add { b"#d" } else { b"#E" }, reason: b"" },
        25 => {
            // One of the first messages that a log can have.
            let place = u64::from(letter % 32) << 16;
            let msgid = base32(HashKey(1, 2).permute(place)).to_vec().leak();
            Op::Redact { target: if add { channel } else { nick }, msgid, reason: None }
        }
        _ => Op::Quit { reason: b"" },
    });
    (0..4_u64, op)
}

/// A ban of nobody who is there, or of everybody.
fn target(nick: &[u8]) -> BanTarget {
    let mask: &[u8] = if nick == b"dan" { b"u@h" } else { nick };
    BanTarget::Mask(mask.into())
}

fn apply_all(network: &mut Network, from: u64, log: &[(u64, Op<'static>)]) {
    for (sequence, (session, op)) in (from..).zip(log) {
        let session = Session { number: *session, ..Session::default() };
        let origin = Origin { session, ..Origin::default() };
        let entry = Entry { origin, time: UnixMillis(sequence * 1000), op: op.clone() };
        // Through its stored form, as another server would get it.
        let stored = entry.to_owned();
        assert_eq!(stored.get().as_ref(), Some(&entry));
        network.apply(sequence, &entry, &mut Deaf);
        check(network);
    }
}

/// What must hold between any two entries.
fn check(network: &Network) {
    for (id, user) in network.users_from(0) {
        assert_eq!(network.find_user(&user.nick), Some(id));
        assert_eq!(network.find_session(user.session), Some(id));
        for channel in &user.channels {
            assert!(network.channel(*channel).is_some_and(|channel| channel.member(id).is_some()));
        }
    }
    for (id, channel) in network.channels_from(0) {
        assert_eq!(network.find_channel(&channel.name), Some(id));
        assert!(
            !channel.members.is_empty() && channel.members.is_sorted_by_key(|member| member.user)
        );
        for member in &channel.members {
            assert!(network.user(member.user).is_some_and(|user| user.channels.contains(&id)));
        }
        assert!(channel.bans.len() <= 2 && channel.invited.len() <= 2);
        assert!(channel.exceptions.len() <= 2 && channel.invite_exceptions.len() <= 2);
    }
    let lists: u64 = network.channels_from(0).map(|(_, channel)| channel.list_cost()).sum();
    assert!(lists == network.state.list_bytes && lists <= 160);
    assert!(network.whowas().before(u64::MAX).count() <= 2);
    assert!(network.bans(UnixMillis(0)).count() <= 2);
    let metadata = (network.users_from(0).map(|(_, user)| &user.metadata))
        .chain(network.channels_from(0).map(|(_, channel)| &channel.metadata));
    let costs: Vec<_> =
        metadata.inspect(|one| assert!(one.len() <= 2)).map(Metadata::cost).collect();
    let cost = costs.iter().sum::<usize>() as u64;
    assert!(cost == network.state.metadata_bytes && cost <= 200);
    let of_users = network.users_from(0).flat_map(|(_, user)| user.talks.iter().map(|t| t.ring));
    let of_channels = network.channels_from(0).filter_map(|(_, channel)| channel.history);
    let rings: BTreeSet<RingId> = of_users.chain(of_channels).collect();
    assert!(network.users_from(0).all(|(_, user)| user.talks.len() <= 2));
    network.history().check(&rings, Bounds { lines: 3, bytes: 2000 });
    let count = network.count();
    let invisible = network.users_from(0).filter(|(_, user)| user.modes.invisible).count();
    assert_eq!(count.invisible, invisible);
    let opers = network.users_from(0).filter(|(_, user)| user.modes.oper).count();
    assert_eq!(count.opers, opers);
}

proptest! {
    #[test]
    fn a_snapshot_and_the_rest_of_the_log_equal_the_whole_log(
        log in prop::collection::vec(any_op(), 1..120),
        at in 0..120_usize,
    ) {
        let log: Vec<_> = core::iter::once(found()).chain(log).collect();
        let at = at.clamp(1, log.len());
        let mut whole = Network::new();
        apply_all(&mut whole, 1, &log);
        let mut first = Network::new();
        apply_all(&mut first, 1, &log[..at]);
        let mut restored = Network::restore(&first.snapshot()).expect("a snapshot can be read");
        prop_assert_eq!(restored.state_hash(), first.state_hash());
        apply_all(&mut restored, at as u64 + 1, &log[at..]);
        prop_assert_eq!(restored.state_hash(), whole.state_hash());
    }

    #[test]
    fn any_bytes_are_a_snapshot_or_none(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Network::restore(&bytes);
    }
}

#[test]
fn a_restarted_server_has_none_of_its_old_users() {
    let mut network = Network::new();
    let (user, host, real, metadata) = (&b"u"[..], b"h", b"r", vec![]);
    let register = Op::Register { nick: b"ann", user, host, real, away: None, metadata };
    let join = Op::Join { channel: b"#a", key: None };
    apply_all(
        &mut network,
        1,
        &[found(), (1, register), (1, join), (0, Op::NodeUp { node: 0, epoch: 1 })],
    );
    assert_eq!((network.count().users, network.count().channels), (0, 0));
}

#[test]
fn what_looks_alike_is_refused_after_a_restore_too() {
    let config = NetworkConfig { casemapping: CaseMapping::Precis, ..NetworkConfig::default() };
    let found = Op::Found { key: HashKey(1, 2), config };
    let register = |nick: &'static str| {
        let (user, host, real, metadata) = (&b"u"[..], b"192.0.2.1", b"r", vec![]);
        Op::Register { nick: nick.as_bytes(), user, host, real, away: None, metadata }
    };
    let mut network = Network::new();
    apply_all(&mut network, 1, &[(0, found), (1, register("evan"))]);
    let mut network = Network::restore(&network.snapshot()).expect("a snapshot can be read");
    apply_all(&mut network, 3, &[(2, register("\u{435}van")), (3, register("ivan"))]);
    assert_eq!(network.count().users, 2);
}
