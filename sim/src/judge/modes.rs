//! MODE, as the specification has it.

use super::{
    commands::Command,
    model::{Model, UserId},
};

impl Model {
    pub(super) fn mode(&mut self, me: UserId, command: &Command<'_>) {
        let asked = command.param(0);
        if !asked.starts_with('#') {
            return self.user_mode(me, asked, command.param(1));
        }
        let Some(letters) = command.params.get(1) else { return self.ask_mode(me, asked) };
        if self.there_for(me, asked).is_none() {
            return self.reply(me, "403", &[asked]);
        }
        let Some(name) = self.joined(me, asked) else { return };
        if !self.is_op(me, &name) {
            return self.reply(me, "482", &[&name]);
        }
        let mut params = command.params[2..].iter();
        let (mut add, mut sign) = (true, None);
        let (mut done, mut shown) = (String::new(), Vec::new());
        for letter in letters.chars() {
            if matches!(letter, '+' | '-') {
                add = letter == '+';
                continue;
            }
            let takes = matches!(letter, 'o' | 'v' | 'b' | 'k') || letter == 'l' && add;
            let param = if takes { params.next().copied().unwrap_or("*") } else { "" };
            if let Some(told) = self.change_mode(me, &name, add, letter, param) {
                if sign.replace(add) != Some(add) {
                    done.push(if add { '+' } else { '-' });
                }
                done.push(letter);
                shown.extend((!told.is_empty()).then_some(told));
            }
        }
        if !done.is_empty() {
            let mut all = vec![&*name, &*done];
            all.extend(shown.iter().map(String::as_str));
            let line = self.event(me, "MODE", &all);
            self.tell_channel(&name, None, &line);
        }
    }

    /// One change; what is told of it if it changes anything: its parameter, empty without one.
    fn change_mode(
        &mut self,
        me: UserId,
        name: &str,
        add: bool,
        letter: char,
        param: &str,
    ) -> Option<String> {
        if matches!(letter, 'o' | 'v') {
            let Some(target) = self.by_nick(param) else {
                self.reply(me, "401", &[param]);
                return None;
            };
            let nick = self.users[&target].nick.clone();
            let Some(ranks) = self.channel_mut(name)?.members.get_mut(&target) else {
                self.reply(me, "441", &[param, name]);
                return None;
            };
            let rank = if letter == 'o' { &mut ranks.op } else { &mut ranks.voice };
            return (std::mem::replace(rank, add) != add).then_some(nick);
        }
        let channel = self.channel_mut(name)?;
        match letter {
            'k' => {
                let new = add.then(|| param.to_string());
                let changed = channel.key != new;
                channel.key = new;
                changed.then(|| if add { param.into() } else { "*".into() })
            }
            'l' => {
                let new = if add { param.parse().ok() } else { None };
                let changed = channel.limit != new;
                channel.limit = new;
                changed.then(|| param.into())
            }
            'b' => {
                let at = channel.bans.iter().position(|mask| mask.eq_ignore_ascii_case(param));
                match (add, at) {
                    (true, None) => channel.bans.push(param.into()),
                    (false, Some(at)) => return Some(channel.bans.remove(at)),
                    _ => return None,
                }
                Some(param.into())
            }
            flag => {
                let flags = &mut channel.flags;
                let changed = if add { flags.insert(flag) } else { flags.remove(&flag) };
                changed.then(String::new)
            }
        }
    }

    /// Of its own modes a client changes `i` alone.
    fn user_mode(&mut self, me: UserId, nick: &str, change: &str) {
        match self.by_nick(nick) {
            None => self.reply(me, "401", &[nick]),
            Some(found) if found != me => self.reply(me, "502", &[]),
            Some(_) => {
                let Some(user) = self.users.get_mut(&me) else { return };
                let invisible = change == "+i";
                if std::mem::replace(&mut user.invisible, invisible) != invisible {
                    let nick = user.nick.clone();
                    let line = self.event(me, "MODE", &[&nick, change]);
                    self.tell(me, &line);
                }
            }
        }
    }

    fn ask_mode(&mut self, me: UserId, asked: &str) {
        let Some(channel) = self.there_for(me, asked) else {
            return self.reply(me, "403", &[asked]);
        };
        let is_member = channel.members.contains_key(&me);
        let name = channel.name.clone();
        let (mut letters, mut params) = (String::from("+"), Vec::new());
        if let Some(key) = &channel.key {
            letters.push('k');
            params.push(if is_member { key.clone() } else { "*".into() });
        }
        if let Some(limit) = channel.limit {
            letters.push('l');
            params.push(limit.to_string());
        }
        letters.extend(channel.flags.iter());
        let mut all = vec![&*name, &*letters];
        all.extend(params.iter().map(String::as_str));
        self.exact(me, "324", &all);
        self.reply(me, "329", &[&name]);
    }
}

/// Whether a mask with `*` and `?` matches all of a text, whatever the case.
pub(super) fn matches(mask: &[u8], text: &[u8]) -> bool {
    match (mask.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), _) => {
            matches(rest, text) || text.split_first().is_some_and(|(_, text)| matches(mask, text))
        }
        (Some((b'?', mask)), Some((_, text))) => matches(mask, text),
        (Some((a, mask)), Some((b, text))) => a.eq_ignore_ascii_case(b) && matches(mask, text),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_matches_all_of_a_text() {
        assert!(matches(b"a*!*@H?", b"Alice!~a@h1"));
        assert!(!matches(b"a*", b"bob") && !matches(b"a", b"ab") && !matches(b"a?", b"a"));
    }
}
